{%- set outcomes = compared_outcomes() -%}
{%- set years = months_summed() -%}
{#- One estimate. -#}
{%- set keys = 'design_code, stratum_code, subgroup_code, months_since_entry' -%}

with blocks as (

    select * from {{ ref('int_sum_blocks') }}

),

carried as (

    select * from {{ ref('int_carry_gains') }}

),

counted as (

    select * from {{ ref('int_total_groups') }}

),

-- Who is left out: of the whole each person (int_leave_persons_out), of subgroups each block of persons.
units as (

    select
        {% for outcome in outcomes %}
        {{ outcome }}_weight,
        {{ outcome }}_sum,
        {% endfor %}
        design_code,
        stratum_code,
        subgroup_code,
        group_code,
        block_no as unit_key,
        months_since_entry
    from blocks

),

{{ moves_of_units() }},

moved_by_all as (

    {% for moves in ['moved', ref('int_leave_persons_out')] %}
    select
        {% for outcome in outcomes %}
        {{ outcome }}_squares,
        {{ outcome }}_fourths,
        {% endfor %}
        span_code,
        {{ keys }}
    from {{ moves }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

errors as (

    select
        {% for outcome in outcomes %}
        sum({{ outcome }}_squares) as {{ outcome }}_squares,
        sum({{ outcome }}_fourths) as {{ outcome }}_fourths,
        {% endfor %}
        span_code,
        {{ keys }}
    from moved_by_all
    group by span_code, {{ keys }}

),

outcomes as (

    {{ rows_of('outcome_code', outcomes) }}

),

long_errors as (

    select
        outcomes.outcome_code,
        errors.span_code,
        {{ by_code('outcomes.outcome_code', outcomes, 'errors.', '_squares') }} as squares,
        {{ by_code('outcomes.outcome_code', outcomes, 'errors.', '_fourths') }} as fourths,
        errors.design_code,
        errors.stratum_code,
        errors.subgroup_code,
        errors.months_since_entry
    from errors
    cross join outcomes
    where errors.span_code = 'month' or outcomes.outcome_code in ('{{ outcomes_summed() | join("', '") }}')

),

groups as (

    select
        outcomes.outcome_code,
        counted.group_code,
        {{ by_code('outcomes.outcome_code', outcomes, 'counted.', '_persons') }} as persons,
        {{ by_code('outcomes.outcome_code', outcomes, 'counted.', '_with') }} as persons_with,
        {{ by_code('outcomes.outcome_code', outcomes, 'counted.', '_without') }} as persons_without,
        {{ by_code('outcomes.outcome_code', outcomes, 'counted.', '_weight') }} as weight,
        {{ by_code('outcomes.outcome_code', outcomes, 'counted.', '_squares') }} as squares,
        {{ by_code('outcomes.outcome_code', outcomes, 'counted.', '_sum') }} as total,
        counted.design_code,
        counted.stratum_code,
        counted.subgroup_code,
        counted.months_since_entry
    from counted
    cross join outcomes

),

-- Months in which there are both groups.
months as (

    select
        {{ keys }},
        outcome_code,
        max(case when group_code = 'client' then persons end) as persons_client,
        max(case when group_code = 'other' then persons end) as persons_other,
        min(persons_with) as persons_with,
        min(persons_without) as persons_without,
        max(case when group_code = 'other' then {{ quotient('weight * weight', 'squares') }} end)
            as effective_persons_other,
        max(case when group_code = 'client' then {{ quotient('total', 'weight') }} end) as mean_client,
        max(case when group_code = 'other' then {{ quotient('total', 'weight') }} end) as mean_other
    from groups
    where persons > 1
    group by {{ keys }}, outcome_code
    having count(*) = 2

),

ends as (

    {% for year in years %}
    select {{ year }} as months
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

spans as (

    select
        design_code,
        stratum_code,
        subgroup_code,
        outcome_code,
        'month' as span_code,
        months_since_entry,
        persons_client,
        persons_other,
        least(persons_with, persons_without) as persons_at_least,
        effective_persons_other,
        mean_client,
        mean_other
    from months
    union all
    select
        months.design_code,
        months.stratum_code,
        months.subgroup_code,
        months.outcome_code,
        'since_entry' as span_code,
        ends.months as months_since_entry,
        min(months.persons_client) as persons_client,
        min(months.persons_other) as persons_other,
        least(max(months.persons_with), max(months.persons_without)) as persons_at_least,
        min(months.effective_persons_other) as effective_persons_other,
        sum(months.mean_client) as mean_client,
        sum(months.mean_other) as mean_other
    from months
    inner join ends
        on months.months_since_entry between 1 and ends.months
    group by months.design_code, months.stratum_code, months.subgroup_code, months.outcome_code, ends.months
    having count(*) = ends.months

),

-- Rounded, because sums of doubles depend on their order, and a night that builds a part must end as a whole one.
-- Few heavy persons make the error itself uncertain: degrees of freedom by Satterthwaite (1946, Biom. Bull. 2).
final as (

    select
        spans.design_code,
        spans.stratum_code,
        spans.subgroup_code,
        spans.outcome_code,
        spans.span_code,
        spans.months_since_entry,
        spans.persons_client,
        spans.persons_other,
        spans.persons_at_least,
        {{ round_to('spans.effective_persons_other', 7) }} as effective_persons_other,
        {{ round_to('spans.mean_client', 7) }} as mean_client,
        {{ round_to('spans.mean_other', 7) }} as mean_other,
        {{ round_to('spans.mean_client - spans.mean_other', 7) }} as difference,
        {{ round_to('sqrt(long_errors.squares)', 7) }} as standard_error,
        case
            when {{ round_to('long_errors.squares', 15) }} > 0
                then {{ round_to(quotient('long_errors.squares * long_errors.squares', 'long_errors.fourths'), 6) }}
        end as degrees_of_freedom
    from spans
    inner join long_errors
        on
            spans.design_code = long_errors.design_code
            and spans.stratum_code = long_errors.stratum_code
            and spans.subgroup_code = long_errors.subgroup_code
            and spans.outcome_code = long_errors.outcome_code
            and spans.span_code = long_errors.span_code
            and spans.months_since_entry = long_errors.months_since_entry

)

select * from final
