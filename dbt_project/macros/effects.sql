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
