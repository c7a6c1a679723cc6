with estimates as (

    select * from {{ ref('effect_by_months_since_entry') }}
    where
        span_code = 'since_entry'
        and design_code in ('as_assigned', 'until_own_entry')

),

final as (

    select
        outcome_code,
        design_code,
        months_since_entry,
        case when outcome_code like '%_eur' then 'eur' else 'months' end as unit_code,
        no_effect_code,
        case when no_effect_code is null then persons_at_least end as persons_at_least,
        {{ rounded_to_tell('difference', "outcome_code like '%_eur'") }} as difference,
        {{ rounded_to_tell('lower_bound', "outcome_code like '%_eur'") }} as lower_bound,
        {{ rounded_to_tell('upper_bound', "outcome_code like '%_eur'") }} as upper_bound
    from estimates

)

select * from final
