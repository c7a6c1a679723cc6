with study as (

    select * from {{ ref('stg_reference__study') }}

),

coverage as (

    select * from {{ ref('stg_reference__coverage') }}

),

activities as (

    select * from {{ ref('int_union_activity_spells') }}

),

persons as (

    select * from {{ ref('int_resolve_persons') }}

),

residences as (

    select * from {{ ref('int_build_residence_spells') }}

),

incomes as (

    select * from {{ ref('int_union_incomes') }}

),

ranks as (

    select * from {{ ref('int_rank_activities') }}

),

register_ends as (

    select
        register,
        min(observed_to_on) as observed_to_on
    from coverage
    group by register

),

-- What a register records after the day until which it is observed is a plan, not an observation.
recorded as (

    select
        activities.person_key,
        activities.state_code,
        activities.evidence_code,
        {{ month_index('activities.started_on') }} as first_month_index,
        {{ month_index('least(activities.ended_on, register_ends.observed_to_on)') }} - 1 as last_month_index
    from activities
    left join register_ends
        on activities.evidence_code = register_ends.register

),

deaths as (

    select
        person_key,
        'dead' as state_code,
        'death' as evidence_code,
        {{ month_index('died_on') }} as first_month_index,
        cast(null as integer) as last_month_index
    from persons
    where died_on is not null

),

absences as (

    select
        person_key,
        residence_code as state_code,
        'residence' as evidence_code,
        {{ month_index('started_on') }} as first_month_index,
        {{ month_index('ended_on') }} - 1 as last_month_index
    from residences
    where residence_code <> 'resident'

),

-- Wages of a tax year that come to the study's monthly minimum over twelve months.
earners as (

    select
        incomes.person_key,
        'employed' as state_code,
        'annual_income' as evidence_code,
        incomes.income_year * 12 as first_month_index,
        incomes.income_year * 12 + 11 as last_month_index
    from incomes
    cross join study
    where incomes.wages_eur >= study.employed_min_eur_per_month * 12

),

collected as (

    select * from recorded
    union all
    select * from deaths
    union all
    select * from absences
    union all
    select * from earners

),

-- The state of a month is the state on its last day, so a half-open spell holds the months from its
-- first day's up to the one before its end's.
bounded as (

    select
        collected.person_key,
        collected.state_code,
        collected.evidence_code,
        greatest(coalesce(collected.first_month_index, study.first_month_index), study.first_month_index)
            as first_month_index,
        least(coalesce(collected.last_month_index, study.last_month_index), study.last_month_index)
            as last_month_index
    from collected
    cross join study

),

final as (

    select
        bounded.person_key,
        {{ shard_of('bounded.person_key') }} as shard,
        bounded.state_code,
        bounded.evidence_code,
        ranks.activity_rank,
        ranks.state_bit,
        cast(bounded.first_month_index as integer) as first_month_index,
        cast(bounded.last_month_index as integer) as last_month_index
    from bounded
    inner join ranks
        on
            bounded.state_code = ranks.state_code
            and bounded.evidence_code = ranks.evidence_code
    where bounded.first_month_index <= bounded.last_month_index

)

select * from final
