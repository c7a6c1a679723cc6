{# Words that the models of risk sets and effects share. #}

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
    cast(round(least(exp(-coalesce({{ log_staying }}, 0)), 50), 6) as decimal(10, 6))
{%- endmacro %}

{# Months with two decimals, or an amount to ten euros: what is told is no sharper than it is known. #}
{% macro rounded_to_tell(number, is_amount) -%}
    cast(case when {{ is_amount }} then round({{ number }}, -1) else round({{ number }}, 2) end as decimal(18, 2))
{%- endmacro %}
