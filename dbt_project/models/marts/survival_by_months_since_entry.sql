{%- set so_far = 'partition by group_code, event_code order by months_since_entry nulls last'
    ~ ' rows between unbounded preceding and current row' -%}

with persons as (

    select * from {{ ref('time_to_event') }}
    where person_months > 0

),

study as (

    select * from {{ ref('stg_reference__study') }}

),

events as (

    {% for event in survival_events() %}
    select '{{ event }}' as event_code
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- Who comes under observation in one month is at risk from the next.
entered as (

    select
        group_code,
        observed_from_months + 1 as months_since_entry,
        count(*) as persons_entered
    from persons
    group by group_code, observed_from_months

),

exited as (

    select
        group_code,
        duration_months as months_since_entry,
        exit_code,
        count(*) as persons_exited
    from persons
    group by group_code, duration_months, exit_code

),

all_exited as (

    select
        exited.group_code,
        exited.months_since_entry,
        sum(exited.persons_exited) as persons_exited,
        sum(case when events.event_code is null then 0 else exited.persons_exited end) as persons_with_any_event
    from exited
    left join events
        on exited.exit_code = events.event_code
    group by exited.group_code, exited.months_since_entry

),

study_groups as (

    select distinct group_code from persons

),

offsets as (

    select {{ explode_range(1, 'months_after') }} as months_since_entry
    from study

),

-- Events and censoring of a month leave the risk set after it.
risk_sets as (

    select
        study_groups.group_code,
        cast(offsets.months_since_entry as integer) as months_since_entry,
        coalesce(all_exited.persons_exited, 0) as persons_exited,
        coalesce(all_exited.persons_with_any_event, 0) as persons_with_any_event,
        sum(coalesce(entered.persons_entered, 0)) over (
            partition by study_groups.group_code order by offsets.months_since_entry nulls last
            rows between unbounded preceding and current row
        ) - coalesce(sum(all_exited.persons_exited) over (
            partition by study_groups.group_code order by offsets.months_since_entry nulls last
            rows between unbounded preceding and 1 preceding
        ), 0) as persons_at_risk
    from study_groups
    cross join offsets
    left join entered
        on
            study_groups.group_code = entered.group_code
            and offsets.months_since_entry = entered.months_since_entry
    left join all_exited
        on
            study_groups.group_code = all_exited.group_code
            and offsets.months_since_entry = all_exited.months_since_entry

),

counted as (

    select
        risk_sets.group_code,
        risk_sets.months_since_entry,
        events.event_code,
        cast(risk_sets.persons_at_risk as bigint) as persons_at_risk,
        cast(coalesce(exited.persons_exited, 0) as bigint) as persons_with_event,
        cast(risk_sets.persons_with_any_event as bigint) as persons_with_any_event,
        cast(risk_sets.persons_exited - risk_sets.persons_with_any_event as bigint) as persons_censored
    from risk_sets
    cross join events
    left join exited
        on
            risk_sets.group_code = exited.group_code
            and risk_sets.months_since_entry = exited.months_since_entry
            and events.event_code = exited.exit_code
    where risk_sets.persons_at_risk > 0

),

-- All groups together, as if the event struck them alike.
pooled as (

    select
        *,
        cast(sum(persons_at_risk) over (partition by months_since_entry, event_code) as bigint) as all_at_risk,
        cast(sum(persons_with_event) over (partition by months_since_entry, event_code) as bigint) as all_with_event,
        {{ running_product('persons_at_risk - persons_with_any_event', 'persons_at_risk', so_far) }} as survival
    from counted

),

-- Events expected of the group's share of all at risk, with their hypergeometric variance; where all at risk have an
-- event survival is zero, and Greenwood's term has no value and no use.
stepped as (

    select
        *,
        {{ quotient('persons_with_event', 'persons_at_risk') }} as hazard,
        coalesce(lag(survival) over (
            partition by group_code, event_code order by months_since_entry nulls last
        ), 1) as survival_before,
        coalesce({{ quotient(
            'persons_with_any_event', 'persons_at_risk * (persons_at_risk - persons_with_any_event)'
        ) }}, 0) as greenwood_term,
        {{ quotient('all_with_event * persons_at_risk', 'all_at_risk') }} as expected,
        coalesce(
            {{ quotient('persons_at_risk * (all_at_risk - persons_at_risk)', 'all_at_risk * all_at_risk') }}
            * {{ quotient('all_with_event * (all_at_risk - all_with_event)', 'all_at_risk - 1') }},
            0
        ) as expected_variance
    from pooled

),

cumulated as (

    select
        *,
        sum(survival_before * hazard) over ({{ so_far }}) as incidence,
        {{ quotient('survival_before * hazard', 'persons_at_risk') }} as incidence_term
    from stepped

),

-- The delta method's sum over earlier months t of (incidence - incidence at t), taken apart so that each part is a
-- sum over time.
summed as (

    select
        *,
        sum(greenwood_term) over ({{ so_far }}) as greenwood_sum,
        sum(incidence * greenwood_term) over ({{ so_far }}) as incidence_greenwood_sum,
        sum(incidence * incidence * greenwood_term) over ({{ so_far }}) as incidence_square_greenwood_sum,
        sum(survival_before * (1 - hazard) * incidence_term) over ({{ so_far }}) as binomial_sum,
        sum(incidence_term) over ({{ so_far }}) as incidence_term_sum,
        sum(incidence * incidence_term) over ({{ so_far }}) as incidence_incidence_term_sum,
        sum(persons_at_risk) over ({{ so_far }}) as person_months,
        sum(persons_with_event - expected) over ({{ so_far }}) as log_rank_difference,
        sum(expected_variance) over ({{ so_far }}) as log_rank_variance
    from cumulated

),

final as (

    select
        group_code,
        months_since_entry,
        event_code,
        persons_at_risk,
        persons_with_event,
        persons_with_any_event,
        persons_censored,
        {{ rounded(quotient('person_months', 12), 4) }} as person_years,
        {{ rounded('survival', 8) }} as survival,
        {{ rounded('case when survival > 0 then survival * survival * greenwood_sum end', 12) }} as survival_variance,
        {{ rounded('incidence', 8) }} as cumulative_incidence,
        {{ rounded(
            'incidence * incidence * greenwood_sum - 2 * incidence * incidence_greenwood_sum'
            ~ ' + incidence_square_greenwood_sum + binomial_sum'
            ~ ' - 2 * (incidence * incidence_term_sum - incidence_incidence_term_sum)', 12
        ) }} as cumulative_incidence_variance,
        {{ rounded(quotient('log_rank_difference * log_rank_difference', 'log_rank_variance'), 6) }}
            as log_rank_chi_square
    from summed

)

select * from final
