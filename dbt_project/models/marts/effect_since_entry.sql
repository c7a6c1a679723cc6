with estimates as (

    select * from {{ ref('effect_by_months_since_entry') }}
    where
        span_code = 'since_entry'
        and stratum_code = 'all'
        and design_code in ('as_assigned', 'own_gains_removed', 'until_own_entry')

),

united as (

    select
        *,
        case when outcome_code = 'earnings' or outcome_code like 'benefit_%' then 'eur' else 'months' end as unit_code
    from estimates

),

final as (

    select
        outcome_code,
        design_code,
        months_since_entry,
        unit_code,
        no_effect_code,
        case when no_effect_code is null then persons_at_least end as persons_at_least,
        {{ rounded_to_tell('difference', "unit_code = 'eur'") }} as difference,
        {{ rounded_to_tell('lower_bound', "unit_code = 'eur'") }} as lower_bound,
        {{ rounded_to_tell('upper_bound', "unit_code = 'eur'") }} as upper_bound
    from united

)

select * from final
