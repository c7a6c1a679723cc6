{# One number over another as a double, null when there is nothing to divide by. #}
{% macro quotient(part, whole) -%}
    (cast({{ part }} as double) / nullif(cast({{ whole }} as double), 0))
{%- endmacro %}

{# A share or rate with eight decimals, null when there is nothing to divide by. Dividing exact sums as
   doubles and rounding at once gives the same decimal on every engine. #}
{% macro ratio(part, whole) -%}
    cast({{ round_to(quotient(part, whole), 8) }} as decimal(9, 8))
{%- endmacro %}

{# The mean of an amount in euros and cents, null when there is nobody. #}
{% macro mean_eur(total, persons) -%}
    cast({{ round_to(quotient(total, persons), 2) }} as decimal(14, 2))
{%- endmacro %}

{# An amount in euros and cents at the prices of another year, by the price indices of both years. #}
{% macro at_prices_eur(amount, price_index, wanted_index) -%}
    cast({{ round_to(quotient(amount ~ ' * ' ~ wanted_index, price_index), 2) }} as decimal(14, 2))
{%- endmacro %}

{# A sum that is exact until now as the number that weights and errors are reckoned with. #}
{% macro as_number(exact) -%}
    cast({{ exact }} as double)
{%- endmacro %}
