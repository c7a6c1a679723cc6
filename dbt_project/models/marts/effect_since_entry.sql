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
        cast(
            case when outcome_code like '%_eur' then round(difference, -1) else round(difference, 2) end as decimal(18, 2)
        ) as difference,
        cast(
            case when outcome_code like '%_eur' then round(lower_bound, -1) else round(lower_bound, 2) end as decimal(18, 2)
        ) as lower_bound,
        cast(
            case when outcome_code like '%_eur' then round(upper_bound, -1) else round(upper_bound, 2) end as decimal(18, 2)
        ) as upper_bound
    from estimates

)

select * from final
