with spells as (

    select * from {{ ref('int_union_service_spells') }}

),

-- Days are counted from a fixed day, so that an open end can be compared as a number greater than all.
counted as (

    select
        person_key,
        channel_code,
        service_code,
        started_on,
        ended_on,
        gap_days,
        {{ days_between("cast('1900-01-01' as date)", 'started_on') }} as first_day_no,
        coalesce({{ days_between("cast('1900-01-01' as date)", 'ended_on') }}, 9999999) as end_day_no
    from spells

),

-- The end of everything before this spell, not of the spell just before it: a short spell inside a long
-- one must not hide the long one's end.
compared as (

    select
        *,
        max(end_day_no) over (
            partition by person_key, channel_code, service_code
            order by first_day_no nulls last, end_day_no nulls last
            rows between unbounded preceding and 1 preceding
        ) as earlier_end_day_no
    from counted

),

numbered as (

    select
        *,
        sum(case when first_day_no <= earlier_end_day_no + gap_days then 0 else 1 end) over (
            partition by person_key, channel_code, service_code
            order by first_day_no nulls last, end_day_no nulls last
            rows between unbounded preceding and current row
        ) as episode_no
    from compared

),

final as (

    select
        person_key,
        channel_code,
        service_code,
        min(started_on) as started_on,
        case when count(ended_on) = count(*) then max(ended_on) end as ended_on,
        cast(count(*) as integer) as merged_spells
    from numbered
    group by person_key, channel_code, service_code, episode_no

)

select * from final
