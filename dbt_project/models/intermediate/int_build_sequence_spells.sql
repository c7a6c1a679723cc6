with cohort as (

    select
        person_key,
        group_code,
        weight,
        {{ month_index('entry_month') }} as entry_month_index
    from {{ ref('cohort') }}
    where {{ in_all_shards(shard_of('person_key')) }}

),

person_months as (

    select * from {{ ref('person_month') }}
    where {{ in_all_shards('shard') }}

),

study as (

    select * from {{ ref('stg_reference__study') }}

),

observed as (

    select
        cohort.person_key,
        cohort.group_code,
        cohort.weight,
        person_months.month_index - cohort.entry_month_index as months_since_entry,
        person_months.state_code,
        study.months_after + 1 as window_months,
        count(*) over (partition by cohort.person_key) as observed_months
    from cohort
    cross join study
    inner join person_months
        on
            cohort.person_key = person_months.person_key
            and person_months.month_index
            between cohort.entry_month_index and cohort.entry_month_index + study.months_after
    where person_months.is_observed and person_months.is_at_risk

),

marked as (

    select
        *,
        case
            when state_code = lag(state_code) over (partition by person_key order by months_since_entry nulls last)
                then 0
            else 1
        end as starts_spell
    from observed
    where observed_months = window_months

),

numbered as (

    select
        *,
        sum(starts_spell) over (
            partition by person_key order by months_since_entry nulls last
            rows between unbounded preceding and current row
        ) as spell_number
    from marked

),

final as (

    select
        person_key,
        group_code,
        cast(spell_number as integer) as spell_number,
        min(state_code) as state_code,
        cast(min(months_since_entry) as integer) as first_months_since_entry,
        cast(count(*) as integer) as duration_months,
        min(weight) as weight
    from numbered
    group by person_key, group_code, spell_number

)

select * from final
