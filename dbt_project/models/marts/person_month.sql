with study as (

    select * from {{ ref('stg_reference__study') }}

),

cohort as (

    select
        person_key,
        {{ shard_of('person_key') }} as shard,
        group_code,
        is_residence_known,
        {{ month_index('followed_from_month') }} as first_month_index,
        {{ month_index('followed_until_month') }} as last_month_index
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

municipal as (

    select cast(coalesce(sum(channel_bit), 0) as bigint) as channel_bits
    from {{ ref('service_channels') }}
    where is_municipal

),

-- Clients are observed in their register's channels also where it may have deleted others.
grid as (

    select
        cohort.person_key,
        cohort.shard,
        months.month_index,
        months.activity_status_code,
        months.observed_service_bits
        | case when cohort.group_code = 'client' then months.purged_client_bits else 0 end as observed_bits,
        months.month_index between cohort.first_month_index and cohort.last_month_index as is_followed,
        cohort.is_residence_known and study.municipality_code is not null as is_residence_known
    from cohort
    cross join months
    cross join study
    where {{ in_all_shards('cohort.shard') }}

),

joined as (

    select
        grid.person_key,
        grid.shard,
        grid.month_index,
        grid.activity_status_code,
        grid.observed_bits,
        coalesce(grid.is_followed, false) as is_followed,
        ranks.state_code as recorded_state_code,
        ranks.evidence_code as recorded_evidence_code,
        coalesce(activity_months.state_bits, 0) as state_bits,
        coalesce(service_months.service_bits, 0) as service_bits,
        case when grid.is_residence_known then residence_months.person_key is not null end as is_resident
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

-- No event means `other` only where every register that could tell of one covers the month. Whoever does not live in
-- the municipality can use none of its services.
stated as (

    select
        joined.*,
        coalesce(
            joined.recorded_state_code,
            case when joined.activity_status_code = 'observed' then 'other' else 'not_observed' end
        ) as state_code,
        coalesce(
            joined.recorded_evidence_code,
            case when joined.activity_status_code = 'observed' then 'no_event' end
        ) as evidence_code,
        case
            when joined.is_resident is false then joined.observed_bits & ~municipal.channel_bits
            else joined.observed_bits
        end as observed_service_bits
    from joined
    cross join municipal

),

judged as (

    select
        stated.*,
        case
            when stated.state_code in ('dead', 'emigrated', 'out_of_study') then 'not_at_risk'
            when stated.activity_status_code = 'immature' then 'immature'
            when stated.recorded_state_code is not null then 'observed'
            else stated.activity_status_code
        end as status_code
    from stated

),

final as (

    select
        person_key,
        {{ month_start('month_index') }} as month,
        month_index,
        shard,
        state_code,
        evidence_code,
        status_code,
        status_code = 'observed' as is_observed,
        state_bits,
        case when observed_service_bits <> 0 then service_bits & observed_service_bits end as service_bits,
        observed_service_bits,
        is_followed and status_code <> 'not_at_risk' as is_at_risk,
        is_resident
    from judged
    order by person_key nulls last, month_index nulls last

)

select * from final
