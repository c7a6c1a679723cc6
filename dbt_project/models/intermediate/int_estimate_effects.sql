{%- set outcomes = compared_outcomes() -%}
{#- What has happened since the entry is not summed over months. -#}
{%- set summed = outcomes | reject('in', ['degree_completed']) | list -%}
{%- set years = [12, 24, 36] -%}
{#- One estimate. -#}
{%- set keys = 'design_code, stratum_code, subgroup_code, months_since_entry' -%}

with persons as (

    select * from {{ ref('int_sum_persons') }}

),

blocks as (

    select * from {{ ref('int_sum_blocks') }}

),

carried as (

    select * from {{ ref('int_carry_gains') }}

),

-- Who is left out: of the whole each person, of subgroups each block of persons.
units as (

    select
        {% for outcome in outcomes %}
        {{ outcome }}_weight,
        {{ outcome }}_sum,
        {% endfor %}
        design_code,
        'all' as stratum_code,
        'all' as subgroup_code,
        group_code,
        person_key as unit_key,
        months_since_entry
    from persons
    union all
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

counted as (

    select
        {% for outcome in outcomes %}
        sum({{ outcome }}_weight) as {{ outcome }}_weight,
        sum({{ outcome }}_sum) as {{ outcome }}_sum,
        sum({{ outcome }}_weight * {{ outcome }}_weight) as {{ outcome }}_squares,
        count({{ outcome }}_weight) as {{ outcome }}_persons,
        count(case when {{ outcome }}_sum <> 0 then 1 end) as {{ outcome }}_with,
        count(case when {{ outcome }}_sum <> {{ outcome }}_weight then 1 end) as {{ outcome }}_without,
        {% endfor %}
        design_code,
        'all' as stratum_code,
        'all' as subgroup_code,
        group_code,
        months_since_entry
    from persons
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

-- How far the difference moves when a unit is left out (jackknife); who is in both groups moves both means.
contributions as (

    select
        {% for outcome in outcomes %}
        sum({{ moved_by(outcome) }}) as {{ outcome }},
        {% endfor %}
        units.design_code,
        units.stratum_code,
        units.subgroup_code,
        units.unit_key,
        units.months_since_entry
    from units
    inner join counted
        on
            units.design_code = counted.design_code
            and units.stratum_code = counted.stratum_code
            and units.subgroup_code = counted.subgroup_code
            and units.group_code = counted.group_code
            and units.months_since_entry = counted.months_since_entry
    group by
        units.design_code, units.stratum_code, units.subgroup_code, units.unit_key, units.months_since_entry

),

-- What others gained by their own entry is estimated too: who is left out moves it with the earlier months.
settled as (

    select
        {% for outcome in outcomes %}
        {{ outcome }},
        {% endfor %}
        design_code,
        stratum_code,
        subgroup_code,
        unit_key,
        months_since_entry
    from contributions
    where design_code <> 'own_gains_removed' or months_since_entry < 0
    union all
    select
        {% for outcome in outcomes %}
        sum(carried.{{ outcome }} * contributions.{{ outcome }}) as {{ outcome }},
        {% endfor %}
        contributions.design_code,
        contributions.stratum_code,
        contributions.subgroup_code,
        contributions.unit_key,
        carried.months_since_entry
    from contributions
    inner join carried
        on contributions.months_since_entry = carried.from_month
    where contributions.design_code = 'own_gains_removed'
    group by
        contributions.design_code, contributions.stratum_code, contributions.subgroup_code, contributions.unit_key,
        carried.months_since_entry

),

errors as (

    select
        {% for outcome in outcomes %}
        sum({{ outcome }} * {{ outcome }}) as {{ outcome }}_squares,
        sum({{ outcome }} * {{ outcome }} * {{ outcome }} * {{ outcome }}) as {{ outcome }}_fourths,
        {% endfor %}
        {{ keys }}
    from settled
    group by {{ keys }}

),

year_contributions as (

    select
        {% for year in years %}
        {% for outcome in summed %}
        sum(case when months_since_entry <= {{ year }} then {{ outcome }} end) as {{ outcome }}_{{ year }},
        {% endfor %}
        {% endfor %}
        design_code,
        stratum_code,
        subgroup_code,
        unit_key
    from settled
    where months_since_entry > 0
    group by design_code, stratum_code, subgroup_code, unit_key

),

year_errors as (

    {% for year in years %}
    select
        {% for outcome in summed %}
        sum({{ outcome }}_{{ year }} * {{ outcome }}_{{ year }}) as {{ outcome }}_squares,
        sum({{ outcome }}_{{ year }} * {{ outcome }}_{{ year }} * {{ outcome }}_{{ year }} * {{ outcome }}_{{ year }})
            as {{ outcome }}_fourths,
        {% endfor %}
        design_code,
        stratum_code,
        subgroup_code,
        {{ year }} as months_since_entry
    from year_contributions
    group by design_code, stratum_code, subgroup_code
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

long_errors as (

    {% for outcome in outcomes %}
    select
        'month' as span_code,
        '{{ outcome }}' as outcome_code,
        {{ outcome }}_squares as squares,
        {{ outcome }}_fourths as fourths,
        {{ keys }}
    from errors
    union all
    {% endfor %}
    {% for outcome in summed %}
    select
        'since_entry' as span_code,
        '{{ outcome }}' as outcome_code,
        {{ outcome }}_squares as squares,
        {{ outcome }}_fourths as fourths,
        {{ keys }}
    from year_errors
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
        {{ round_to('spans.effective_persons_other', 9) }} as effective_persons_other,
        {{ round_to('spans.mean_client', 9) }} as mean_client,
        {{ round_to('spans.mean_other', 9) }} as mean_other,
        {{ round_to('spans.mean_client - spans.mean_other', 9) }} as difference,
        {{ round_to('sqrt(long_errors.squares)', 9) }} as standard_error,
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
