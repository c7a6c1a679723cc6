{#- Fewer clients tell a share no better than ten points up or down; of the others, as many as they weigh like. -#}
{%- set least_persons = 100 -%}

with estimates as (

    select * from {{ ref('int_estimate_effects') }}

),

reached as (

    select
        *,
        standard_error * {{ student_errors('1.959964', 'degrees_of_freedom') }} as reach
    from estimates

),

balance as (

    select * from {{ ref('risk_set_balance') }}

),

-- Bonferroni over the two years before the entry, in which nothing can be an effect: 95 per cent over all 24 months.
before as (

    select
        design_code,
        stratum_code,
        subgroup_code,
        outcome_code,
        max(abs({{ quotient('difference', 'standard_error') }})) > 3.08 as differs_before
    from estimates
    where months_since_entry < 0
    group by design_code, stratum_code, subgroup_code, outcome_code

),

-- How many others there were for each client in the month of entry.
starts as (

    select
        design_code,
        stratum_code,
        subgroup_code,
        outcome_code,
        {{ quotient('persons_other', 'persons_client') }} as others_per_client
    from estimates
    where span_code = 'month' and months_since_entry = 0

),

alike as (

    select
        stratum_code,
        subgroup_code,
        coalesce(max(abs(standardised_difference)) <= 0.1, false) as is_balanced,
        coalesce(min(share_of_clients) >= 0.8, false) as is_supported
    from balance
    where stage_code = 'matched'
    group by stratum_code, subgroup_code

),

final as (

    select
        reached.design_code,
        reached.stratum_code,
        reached.subgroup_code,
        reached.outcome_code,
        reached.span_code,
        reached.months_since_entry,
        reached.persons_client,
        reached.persons_other,
        reached.persons_at_least,
        {{ rounded('reached.effective_persons_other', 1) }} as effective_persons_other,
        {{ rounded('reached.mean_client', 6) }} as mean_client,
        {{ rounded('reached.mean_other', 6) }} as mean_other,
        {{ rounded('reached.difference', 6) }} as difference,
        {{ rounded('reached.standard_error', 6) }} as standard_error,
        {{ rounded('reached.degrees_of_freedom', 1) }} as degrees_of_freedom,
        {{ rounded('reached.difference - coalesce(reached.reach, 0)', 6) }} as lower_bound,
        {{ rounded('reached.difference + coalesce(reached.reach, 0)', 6) }} as upper_bound,
        case
            when reached.design_code = 'two_groups' then 'groups_differ'
            when reached.persons_client < {{ least_persons }} then 'too_few_clients'
            when not coalesce(alike.is_supported, false) then 'not_supported'
            when not coalesce(alike.is_balanced, false) then 'not_balanced'
            when reached.effective_persons_other < {{ least_persons }} then 'too_few_alike'
            when
                {{ quotient('reached.persons_other', 'reached.persons_client') }} < starts.others_per_client * 0.5
                then 'too_few_alike'
            when coalesce(before.differs_before, false) then 'differs_before'
            when reached.months_since_entry < 0 then 'before_entry'
        end as no_effect_code
    from reached
    left join alike
        on
            reached.stratum_code = alike.stratum_code
            and reached.subgroup_code = alike.subgroup_code
    left join starts
        on
            reached.design_code = starts.design_code
            and reached.stratum_code = starts.stratum_code
            and reached.subgroup_code = starts.subgroup_code
            and reached.outcome_code = starts.outcome_code
    left join before
        on
            reached.design_code = before.design_code
            and reached.stratum_code = before.stratum_code
            and reached.subgroup_code = before.subgroup_code
            and reached.outcome_code = before.outcome_code
    where reached.stratum_code = 'all' or reached.span_code = 'since_entry'

)

select * from final
