with spells as (

    select * from {{ ref('int_build_sequence_spells') }}

),

months as (

    select
        person_key,
        group_code,
        state_code,
        {{ explode_range('first_months_since_entry', 'first_months_since_entry + duration_months - 1') }}
            as months_since_entry
    from spells

),

cells as (

    select
        group_code,
        months_since_entry,
        state_code,
        count(*) as persons
    from months
    group by group_code, months_since_entry, state_code

),

-- Of several states with as many persons the first in the order of codes.
ranked as (

    select
        group_code,
        months_since_entry,
        state_code,
        row_number() over (
            partition by group_code, months_since_entry order by persons desc nulls last, state_code asc nulls last
        ) as state_no
    from cells

),

final as (

    select
        months.group_code,
        cast(months.months_since_entry as integer) as months_since_entry,
        months.person_key,
        ranked.state_no > 1 as is_counted
    from months
    inner join ranked
        on
            months.group_code = ranked.group_code
            and months.months_since_entry = ranked.months_since_entry
            and months.state_code = ranked.state_code

)

select * from final
