with estimates as (

    select * from {{ ref('effect_by_months_since_entry') }}
    where
        span_code = 'since_entry'
        and stratum_code <> 'all'
        and design_code = 'as_assigned'

),

united as (

    select
        *,
        case when outcome_code = 'earnings' or outcome_code like 'benefit_%' then 'eur' else 'months' end as unit_code,
        count(case when no_effect_code is null then 1 end) over (
            partition by outcome_code, design_code, months_since_entry
        ) as intervals
    from estimates

),

-- All intervals together hold the truth in 95 of a hundred tables when each keeps its share of the five that do not.
shared as (

    select
        *,
        case when no_effect_code is null then {{ standard_errors_within(quotient('0.025', 'intervals')) }} end
            as normal_errors
    from united

),

bounded as (

    select
        *,
        case
            when no_effect_code is null
                then coalesce(standard_error * {{ student_errors('normal_errors', 'degrees_of_freedom') }}, 0)
        end as reach
    from shared

),

-- What may not be presented has no estimate. Counts are rounded down, so that no part follows from the whole.
final as (

    select
        outcome_code,
        design_code,
        months_since_entry,
        stratum_code,
        subgroup_code,
        unit_code,
        no_effect_code,
        intervals,
        case when no_effect_code is null then persons_at_least - persons_at_least % 10 end as persons_at_least,
        case when no_effect_code is null then {{ rounded_to_tell('difference', "unit_code = 'eur'") }} end
            as difference,
        case when no_effect_code is null then {{ rounded_to_tell('lower_bound', "unit_code = 'eur'") }} end
            as lower_bound,
        case when no_effect_code is null then {{ rounded_to_tell('upper_bound', "unit_code = 'eur'") }} end
            as upper_bound,
        {{ rounded_to_tell('difference - reach', "unit_code = 'eur'") }} as lower_bound_of_all,
        {{ rounded_to_tell('difference + reach', "unit_code = 'eur'") }} as upper_bound_of_all
    from bounded

)

select * from final
