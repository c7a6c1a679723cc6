with cohort as (

    select
        person_key,
        {{ shard_of('person_key') }} as shard
    from {{ ref('cohort') }}

),

months as (

    select * from {{ ref('int_list_observed_months') }}

),

activity_months as (

    select * from {{ ref('int_expand_activity_months') }}
    where {{ in_all_shards('shard') }}

),

service_months as (

    select * from {{ ref('int_expand_service_months') }}
    where {{ in_all_shards('shard') }}

),

residence_months as (

    select * from {{ ref('int_expand_residence_months') }}
    where {{ in_all_shards('shard') }}

),

ranks as (

    select * from {{ ref('int_rank_activities') }}

),

states as (

    select * from {{ ref('states') }}

),

study as (

    select * from {{ ref('stg_reference__study') }}

),

grid as (

    select
        cohort.person_key,
        cohort.shard,
        months.month_index,
        months.is_activity_observed,
        months.is_service_observed
    from cohort
    cross join months
    where {{ in_all_shards('cohort.shard') }}

),

-- No event means `other` only where every register that could tell of one covers the month.
stated as (

    select
        grid.person_key,
        grid.shard,
        grid.month_index,
        coalesce(ranks.state_code, case when grid.is_activity_observed then 'other' else 'not_observed' end)
            as state_code,
        coalesce(ranks.evidence_code, case when grid.is_activity_observed then 'no_event' end) as evidence_code,
        coalesce(activity_months.state_bits, 0) as state_bits,
        case when grid.is_service_observed then coalesce(service_months.service_bits, 0) end as service_bits,
        residence_months.person_key is not null as lives_in_municipality
    from grid
    left join activity_months
        on
            grid.person_key = activity_months.person_key
            and grid.month_index = activity_months.month_index
    left join ranks
        on activity_months.activity_rank = ranks.activity_rank
    left join service_months
        on
            grid.person_key = service_months.person_key
            and grid.month_index = service_months.month_index
    left join residence_months
        on
            grid.person_key = residence_months.person_key
            and grid.month_index = residence_months.month_index

),

final as (

    select
        stated.person_key,
        {{ month_start('stated.month_index') }} as month,
        stated.month_index,
        stated.shard,
        stated.state_code,
        stated.evidence_code,
        states.is_observed,
        stated.state_bits,
        stated.service_bits,
        case when study.municipality_code is not null then stated.lives_in_municipality end as is_resident
    from stated
    inner join states
        on stated.state_code = states.state_code
    cross join study
    order by stated.person_key nulls last, stated.month_index nulls last

)

select * from final
