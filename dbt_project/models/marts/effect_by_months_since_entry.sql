{#- Fewer clients tell a share no better than ten points up or down; of the others, as many as they weigh like. -#}
{%- set least_persons = 100 -%}

with estimates as (

    select * from {{ ref('int_estimate_effects') }}

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
        estimates.design_code,
        estimates.stratum_code,
        estimates.subgroup_code,
        estimates.outcome_code,
        estimates.span_code,
        estimates.months_since_entry,
        estimates.persons_client,
        estimates.persons_other,
        estimates.persons_at_least,
        {{ rounded('estimates.effective_persons_other', 1) }} as effective_persons_other,
        {{ rounded('estimates.mean_client', 6) }} as mean_client,
        {{ rounded('estimates.mean_other', 6) }} as mean_other,
        {{ rounded('estimates.difference', 6) }} as difference,
        {{ rounded('estimates.standard_error', 6) }} as standard_error,
        {{ rounded('estimates.difference - 1.959964 * estimates.standard_error', 6) }} as lower_bound,
        {{ rounded('estimates.difference + 1.959964 * estimates.standard_error', 6) }} as upper_bound,
        case
            when estimates.design_code = 'two_groups' then 'groups_differ'
            when estimates.persons_client < {{ least_persons }} then 'too_few_clients'
            when not coalesce(alike.is_supported, false) then 'not_supported'
            when not coalesce(alike.is_balanced, false) then 'not_balanced'
            when estimates.effective_persons_other < {{ least_persons }} then 'too_few_alike'
            when
                {{ quotient('estimates.persons_other', 'estimates.persons_client') }} < starts.others_per_client * 0.5
                then 'too_few_alike'
            when coalesce(before.differs_before, false) then 'differs_before'
            when estimates.months_since_entry < 0 then 'before_entry'
        end as no_effect_code
    from estimates
    left join alike
        on
            estimates.stratum_code = alike.stratum_code
            and estimates.subgroup_code = alike.subgroup_code
    left join starts
        on
            estimates.design_code = starts.design_code
            and estimates.stratum_code = starts.stratum_code
            and estimates.subgroup_code = starts.subgroup_code
            and estimates.outcome_code = starts.outcome_code
    left join before
        on
            estimates.design_code = before.design_code
            and estimates.stratum_code = before.stratum_code
            and estimates.subgroup_code = before.subgroup_code
            and estimates.outcome_code = before.outcome_code
    where estimates.stratum_code = 'all' or estimates.span_code = 'since_entry'

)

select * from final
