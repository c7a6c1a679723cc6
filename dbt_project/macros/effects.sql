{# Words that the models of risk sets and effects share. #}

{# Outcomes that are compared, by their codes in the catalogue, as numbers made of the columns of person_outcome. #}
{% macro numbers_of_outcomes() -%}
    {{ return({
        'employed': 'cast(employed as integer)',
        'studying': 'cast(studying as integer)',
        'degree_completed': 'cast(degree_completed as integer)',
        'earnings': 'earnings_2024_eur',
        'benefit_unemployment': 'benefit_unemployment_eur',
        'benefit_social_assistance': 'benefit_social_assistance_eur'
    }) }}
{%- endmacro %}

{# Their codes. #}
{% macro compared_outcomes() -%}
    {{ return(numbers_of_outcomes().keys() | list) }}
{%- endmacro %}

{# Those that are summed over months; what has happened since the entry is not. #}
{% macro outcomes_summed() -%}
    {{ return(compared_outcomes() | reject('in', ['degree_completed']) | list) }}
{%- endmacro %}

{# Over so many months. #}
{% macro months_summed() -%}
    {{ return([12, 24, 36]) }}
{%- endmacro %}

{# Terms of a select list, each ending with a comma: every compared outcome as a number. #}
{% macro outcomes_as_numbers() -%}
    {% for outcome, number in numbers_of_outcomes().items() %}
    {{ number }} as {{ outcome }},
    {% endfor %}
{%- endmacro %}

{# How many of the months before, of at most so many, were observed in one of the states. #}
{% macro months_in(states, months) -%}
    coalesce(sum(
        case when person_months.is_observed and person_months.state_code in ('{{ states | join("', '") }}') then 1 end
    ) over (
        partition by person_months.person_key order by person_months.month_index nulls last
        rows between {{ months }} preceding and 1 preceding
    ), 0)
{%- endmacro %}

{# The sum of something over the rows of a group whose outcome is known; null where there are none. #}
{% macro sum_of_known(what, group, outcome) -%}
    sum(case when group_code = '{{ group }}' and {{ outcome }} is not null then {{ what }} end)
{%- endmacro %}

{# The logarithm of the chance of not entering in a month; a chance of nearly one would make a weight without bounds. #}
{% macro log_of_staying(chance) -%}
    ln(1 - least({{ chance }}, 0.9))
{%- endmacro %}

{# One over the chance of not having entered over months; no person stands for more than fifty. #}
{% macro one_over_staying(log_staying) -%}
    cast({{ round_to('least(exp(-coalesce(' ~ log_staying ~ ', 0)), 50)', 6) }} as decimal(10, 6))
{%- endmacro %}

{# Months with two decimals, or an amount to ten euros: what is told is no sharper than it is known. #}
{% macro rounded_to_tell(number, is_amount) -%}
    cast(case when {{ is_amount }} then {{ round_to(number, -1) }} else {{ round_to(number, 2) }} end as decimal(18, 2))
{%- endmacro %}

{# The product of two matrices that are tables of rows (months_since_entry), columns (from_month) and a number for each
   outcome; what a table does not hold is nought. #}
{% macro matrix_product(left, right) -%}
    select
        {% for outcome in compared_outcomes() %}
        sum(rows_of.{{ outcome }} * columns_of.{{ outcome }}) as {{ outcome }},
        {% endfor %}
        rows_of.months_since_entry,
        columns_of.from_month
    from {{ left }} as rows_of
    inner join {{ right }} as columns_of
        on rows_of.from_month = columns_of.months_since_entry
    group by rows_of.months_since_entry, columns_of.from_month
{%- endmacro %}

{# How far a unit moves the difference when it is left out, by the mean of its group; nought where nothing of it is known. #}
{% macro moved_by(outcome) -%}
    coalesce({{ quotient(
        'units.' ~ outcome ~ '_sum - ' ~ quotient('counted.' ~ outcome ~ '_sum', 'counted.' ~ outcome ~ '_weight')
        ~ ' * units.' ~ outcome ~ '_weight',
        'counted.' ~ outcome ~ '_weight - units.' ~ outcome ~ '_weight'
    ) }}, 0) * case when units.group_code = 'client' then 1 else -1 end
{%- endmacro %}

{# CTEs, the last of them `moved`: one row per design, subgroup, span, month since the entry and shard with how far leaving
   each of the CTE `units` (unit_key) out moves the difference, squared and to the fourth power, summed over the units. The
   CTE `counted` has what groups come to, `carried` is int_carry_gains. Of since_entry the difference is that of the sums
   over some years; what has happened since the entry is not summed over months. #}
{% macro moves_of_units() -%}
{%- set outcomes = compared_outcomes() -%}
{%- set summed = outcomes_summed() -%}
{%- set years = months_summed() -%}
-- Who is in both groups moves both means.
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

moved as (

    select
        {% for outcome in outcomes %}
        sum({{ outcome }} * {{ outcome }}) as {{ outcome }}_squares,
        sum({{ outcome }} * {{ outcome }} * {{ outcome }} * {{ outcome }}) as {{ outcome }}_fourths,
        {% endfor %}
        design_code,
        stratum_code,
        subgroup_code,
        'month' as span_code,
        months_since_entry,
        {{ shard_of('unit_key') }} as shard
    from settled
    group by design_code, stratum_code, subgroup_code, months_since_entry, {{ shard_of('unit_key') }}
    {% for year in years %}
    union all
    select
        {% for outcome in outcomes %}
        {% if outcome in summed %}
        sum({{ outcome }}_{{ year }} * {{ outcome }}_{{ year }}) as {{ outcome }}_squares,
        sum({{ outcome }}_{{ year }} * {{ outcome }}_{{ year }} * {{ outcome }}_{{ year }} * {{ outcome }}_{{ year }})
            as {{ outcome }}_fourths,
        {% else %}
        {{ as_number('null') }} as {{ outcome }}_squares,
        {{ as_number('null') }} as {{ outcome }}_fourths,
        {% endif %}
        {% endfor %}
        design_code,
        stratum_code,
        subgroup_code,
        'since_entry' as span_code,
        {{ year }} as months_since_entry,
        {{ shard_of('unit_key') }} as shard
    from year_contributions
    group by design_code, stratum_code, subgroup_code, {{ shard_of('unit_key') }}
    {% endfor %}

)
{%- endmacro %}

{# How many standard errors a normal estimate keeps within, but for this chance at each side (Abramowitz and Stegun 1964,
   26.2.23: wrong by less than 0.00045). #}
{% macro standard_errors_within(chance) -%}
    ({% set t = 'sqrt(-2 * ln(' ~ chance ~ '))' %}{{ t }} - {{ quotient(
        '2.515517 + 0.802853 * ' ~ t ~ ' + 0.010328 * ' ~ t ~ ' * ' ~ t,
        '1 + 1.432788 * ' ~ t ~ ' + 0.189269 * ' ~ t ~ ' * ' ~ t ~ ' + 0.001308 * ' ~ t ~ ' * ' ~ t ~ ' * ' ~ t
    ) }})
{%- endmacro %}

{# As many standard errors when the error itself is estimated with so many degrees of freedom: the quantile of Student's t
   from that of the normal distribution (Abramowitz and Stegun 1964, 26.7.5; of 95 per cent wrong by 0.1 with two, by less
   than 0.001 from five on). #}
{% macro student_errors(normal, degrees) -%}
    ({{ normal }} + {{ quotient('power(' ~ normal ~ ', 3) + ' ~ normal, '4 * ' ~ degrees) }}
    + {{ quotient(
        '5 * power(' ~ normal ~ ', 5) + 16 * power(' ~ normal ~ ', 3) + 3 * ' ~ normal, '96 * power(' ~ degrees ~ ', 2)'
    ) }}
    + {{ quotient(
        '3 * power(' ~ normal ~ ', 7) + 19 * power(' ~ normal ~ ', 5) + 17 * power(' ~ normal ~ ', 3) - 15 * ' ~ normal,
        '384 * power(' ~ degrees ~ ', 3)'
    ) }})
{%- endmacro %}
