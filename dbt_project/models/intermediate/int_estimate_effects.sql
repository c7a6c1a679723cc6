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

    select
        {% for outcome in outcomes %}
        sum({{ outcome }}_weight) as {{ outcome }}_weight,
        sum({{ outcome }}_sum) as {{ outcome }}_sum,
        sum({{ outcome }}_squares) as {{ outcome }}_squares,
        cast(sum({{ outcome }}_persons) as bigint) as {{ outcome }}_persons,
        cast(sum({{ outcome }}_with) as bigint) as {{ outcome }}_with,
        cast(sum({{ outcome }}_without) as bigint) as {{ outcome }}_without,
        {% endfor %}
        design_code,
        'all' as stratum_code,
        'all' as subgroup_code,
        group_code,
        months_since_entry
    from {{ ref('int_count_persons') }}
    group by design_code, group_code, months_since_entry
    union all
    select
        {% for outcome in outcomes %}
        sum({{ outcome }}_weight) as {{ outcome }}_weight,
        sum({{ outcome }}_sum) as {{ outcome }}_sum,
        sum({{ outcome }}_squares) as {{ outcome }}_squares,
        cast(sum({{ outcome }}_persons) as bigint) as {{ outcome }}_persons,
        cast(sum({{ outcome }}_with) as bigint) as {{ outcome }}_with,
        cast(sum({{ outcome }}_persons - {{ outcome }}_with) as bigint) as {{ outcome }}_without,
        {% endfor %}
        design_code,
        stratum_code,
        subgroup_code,
        group_code,
        months_since_entry
    from blocks
    group by design_code, stratum_code, subgroup_code, group_code, months_since_entry

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

long_errors as (

    {% for outcome in outcomes %}
    select
        span_code,
        '{{ outcome }}' as outcome_code,
        {{ outcome }}_squares as squares,
        {{ outcome }}_fourths as fourths,
        {{ keys }}
    from errors
    {{ "where span_code = 'month'" if outcome not in outcomes_summed() }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

groups as (

    {% for outcome in outcomes %}
    select
        '{{ outcome }}' as outcome_code,
        group_code,
        {{ outcome }}_persons as persons,
        {{ outcome }}_with as persons_with,
        {{ outcome }}_without as persons_without,
        {{ quotient(outcome ~ '_weight * ' ~ outcome ~ '_weight', outcome ~ '_squares') }} as effective_persons,
        {{ quotient(outcome ~ '_sum', outcome ~ '_weight') }} as mean,
        {{ keys }}
    from counted
    where {{ outcome }}_persons > 1
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

months as (

    select
        clients.design_code,
        clients.stratum_code,
        clients.subgroup_code,
        clients.outcome_code,
        clients.months_since_entry,
        clients.persons as persons_client,
        others.persons as persons_other,
        least(clients.persons_with, others.persons_with) as persons_with,
        least(clients.persons_without, others.persons_without) as persons_without,
        others.effective_persons as effective_persons_other,
        clients.mean as mean_client,
        others.mean as mean_other
    from groups as clients
    inner join groups as others
        on
            clients.design_code = others.design_code
            and clients.stratum_code = others.stratum_code
            and clients.subgroup_code = others.subgroup_code
            and clients.outcome_code = others.outcome_code
            and clients.months_since_entry = others.months_since_entry
    where clients.group_code = 'client' and others.group_code = 'other'

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
