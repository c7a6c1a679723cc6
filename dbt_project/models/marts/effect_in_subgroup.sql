with estimates as (

    select * from {{ ref('effect_by_months_since_entry') }}
    where
        span_code = 'since_entry'
        and stratum_code <> 'all'
        and design_code in ('as_assigned', 'own_gains_removed')

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

-- Of so many intervals together 95 in a hundred hold everything when each keeps its share of the five that do not.
bounded as (

    select
        *,
        standard_error * {{ standard_errors_within(quotient('0.025', 'intervals')) }} as reach
    from united
    where no_effect_code is null
    union all
    select
        *,
        {{ as_number('null') }} as reach
    from united
    where no_effect_code is not null

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
