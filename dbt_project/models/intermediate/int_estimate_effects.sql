{%- set outcomes = compared_outcomes() -%}
{#- What has happened since the entry is not summed over months. -#}
{%- set summed = outcomes | reject('in', ['degree_completed']) | list -%}
{%- set years = [12, 24, 36] -%}
{#- One estimate. -#}
{%- set keys = ['design_code', 'stratum_code', 'subgroup_code', 'months_since_entry'] -%}

with persons as (

    select * from {{ ref('int_sum_persons') }}

),

carried as (

    select * from {{ ref('int_carry_gains') }}

),

compared as (

    select
        {% for outcome in outcomes %}
        {% for group in ['client', 'other'] %}
        count({{ outcome }}_{{ group }}_weight) as {{ outcome }}_{{ group }}_persons,
        count(case when {{ outcome }}_{{ group }}_sum <> 0 then 1 end) as {{ outcome }}_{{ group }}_with,
        count(case when {{ outcome }}_{{ group }}_sum <> {{ outcome }}_{{ group }}_weight then 1 end)
            as {{ outcome }}_{{ group }}_without,
        sum({{ outcome }}_{{ group }}_weight) as {{ outcome }}_{{ group }}_weight,
        {{ quotient(
            'sum(' ~ outcome ~ '_' ~ group ~ '_sum)', 'sum(' ~ outcome ~ '_' ~ group ~ '_weight)'
        ) }} as {{ outcome }}_{{ group }}_mean,
        {% endfor %}
        {{ quotient(
            'sum(' ~ outcome ~ '_other_weight) * sum(' ~ outcome ~ '_other_weight)',
            'sum(' ~ outcome ~ '_other_weight * ' ~ outcome ~ '_other_weight)'
        ) }} as {{ outcome }}_effective,
        {% endfor %}
        {{ keys | join(', ') }}
    from persons
    group by {{ keys | join(', ') }}

),

-- How far the difference moves when a person is left out (jackknife by person).
contributions as (

    select
        {% for outcome in outcomes %}
        {{ moved_by(outcome, 'client') }} - {{ moved_by(outcome, 'other') }} as {{ outcome }},
        {% endfor %}
        persons.person_key,
        persons.design_code,
        persons.stratum_code,
        persons.subgroup_code,
        persons.months_since_entry
    from persons
    inner join compared
        on
            persons.design_code = compared.design_code
            and persons.stratum_code = compared.stratum_code
            and persons.subgroup_code = compared.subgroup_code
            and persons.months_since_entry = compared.months_since_entry

),

-- What others gained by their own entry is estimated too: who is left out moves it with the earlier months.
carried_contributions as (

    select
        {% for outcome in outcomes %}
        sum(carried.{{ outcome }} * contributions.{{ outcome }}) as {{ outcome }},
        {% endfor %}
        contributions.person_key,
        carried.months_since_entry
    from contributions
    inner join carried
        on
            contributions.stratum_code = carried.stratum_code
            and contributions.subgroup_code = carried.subgroup_code
            and contributions.months_since_entry = carried.from_month
    where contributions.design_code = 'own_gains_removed' and contributions.stratum_code = 'all'
    group by contributions.person_key, carried.months_since_entry

),

errors as (

    select
        {% for outcome in outcomes %}
        sqrt(sum({{ outcome }} * {{ outcome }})) as {{ outcome }},
        {% endfor %}
        {{ keys | join(', ') }}
    from contributions
    where design_code <> 'own_gains_removed' or months_since_entry < 0
    group by {{ keys | join(', ') }}
    union all
    select
        {% for outcome in outcomes %}
        sqrt(sum({{ outcome }} * {{ outcome }})) as {{ outcome }},
        {% endfor %}
        'own_gains_removed' as design_code,
        'all' as stratum_code,
        'all' as subgroup_code,
        months_since_entry
    from carried_contributions
    group by months_since_entry

),

-- Of own_gains_removed, persons with the outcome are counted before gains are removed.
months as (

    {% for outcome in outcomes %}
    select
        compared.design_code,
        compared.stratum_code,
        compared.subgroup_code,
        '{{ outcome }}' as outcome_code,
        compared.months_since_entry,
        compared.{{ outcome }}_client_persons as persons_client,
        compared.{{ outcome }}_other_persons as persons_other,
        least(counted.{{ outcome }}_client_with, counted.{{ outcome }}_other_with) as persons_with,
        least(counted.{{ outcome }}_client_without, counted.{{ outcome }}_other_without) as persons_without,
        compared.{{ outcome }}_effective as effective_persons_other,
        compared.{{ outcome }}_client_mean as mean_client,
        compared.{{ outcome }}_other_mean as mean_other,
        errors.{{ outcome }} as standard_error
    from compared
    inner join compared as counted
        on
            counted.design_code = case compared.design_code
                when 'own_gains_removed' then 'as_assigned' else compared.design_code
            end
            and compared.stratum_code = counted.stratum_code
            and compared.subgroup_code = counted.subgroup_code
            and compared.months_since_entry = counted.months_since_entry
    left join errors
        on
            compared.design_code = errors.design_code
            and compared.stratum_code = errors.stratum_code
            and compared.subgroup_code = errors.subgroup_code
            and compared.months_since_entry = errors.months_since_entry
    where compared.{{ outcome }}_client_persons > 1 and compared.{{ outcome }}_other_persons > 1
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- How much a month counts in the sum from the first month after the entry to the last of a year.
parts as (

    select
        {% for year in years %}
        {% for outcome in summed %}
        {{ as_number('case when months_since_entry between 1 and ' ~ year ~ ' then 1 else 0 end') }}
            as {{ outcome }}_{{ year }},
        {% endfor %}
        {% endfor %}
        {{ keys | join(', ') }}
    from compared
    where design_code <> 'own_gains_removed'
    union all
    select
        {% for year in years %}
        {% for outcome in summed %}
        sum(case when months_since_entry between 1 and {{ year }} then {{ outcome }} else 0 end)
            as {{ outcome }}_{{ year }},
        {% endfor %}
        {% endfor %}
        'own_gains_removed' as design_code,
        stratum_code,
        subgroup_code,
        from_month as months_since_entry
    from carried
    group by stratum_code, subgroup_code, from_month

),

year_contributions as (

    select
        {% for year in years %}
        {% for outcome in summed %}
        sum(parts.{{ outcome }}_{{ year }} * contributions.{{ outcome }}) as {{ outcome }}_{{ year }},
        {% endfor %}
        {% endfor %}
        contributions.design_code,
        contributions.stratum_code,
        contributions.subgroup_code,
        contributions.person_key
    from contributions
    inner join parts
        on
            contributions.design_code = parts.design_code
            and contributions.stratum_code = parts.stratum_code
            and contributions.subgroup_code = parts.subgroup_code
            and contributions.months_since_entry = parts.months_since_entry
    where contributions.months_since_entry >= 0
    group by
        contributions.design_code, contributions.stratum_code, contributions.subgroup_code, contributions.person_key

),

year_errors as (

    select
        {% for year in years %}
        {% for outcome in summed %}
        sqrt(sum({{ outcome }}_{{ year }} * {{ outcome }}_{{ year }})) as {{ outcome }}_{{ year }},
        {% endfor %}
        {% endfor %}
        design_code,
        stratum_code,
        subgroup_code
    from year_contributions
    group by design_code, stratum_code, subgroup_code

),

long_year_errors as (

    {% for year in years %}
    {% set last = loop.last %}
    {% for outcome in summed %}
    select
        design_code,
        stratum_code,
        subgroup_code,
        '{{ outcome }}' as outcome_code,
        {{ year }} as months,
        {{ outcome }}_{{ year }} as standard_error
    from year_errors
    {{ 'union all' if not (last and loop.last) }}
    {% endfor %}
    {% endfor %}

),

final as (

    select
        design_code,
        stratum_code,
        subgroup_code,
        outcome_code,
        months_since_entry,
        persons_client,
        persons_other,
        least(persons_with, persons_without) as persons_at_least,
        effective_persons_other,
        mean_client,
        mean_other,
        'month' as span_code,
        mean_client - mean_other as difference,
        standard_error
    from months
    union all
    select
        months.design_code,
        months.stratum_code,
        months.subgroup_code,
        months.outcome_code,
        errors.months as months_since_entry,
        min(months.persons_client) as persons_client,
        min(months.persons_other) as persons_other,
        least(max(months.persons_with), max(months.persons_without)) as persons_at_least,
        min(months.effective_persons_other) as effective_persons_other,
        sum(months.mean_client) as mean_client,
        sum(months.mean_other) as mean_other,
        'since_entry' as span_code,
        sum(months.mean_client - months.mean_other) as difference,
        min(errors.standard_error) as standard_error
    from months
    inner join long_year_errors as errors
        on
            months.design_code = errors.design_code
            and months.stratum_code = errors.stratum_code
            and months.subgroup_code = errors.subgroup_code
            and months.outcome_code = errors.outcome_code
            and months.months_since_entry between 1 and errors.months
    group by
        months.design_code, months.stratum_code, months.subgroup_code, months.outcome_code, errors.months
    having count(*) = errors.months

)

select * from final
