{# What time-to-event models share: which exits are events, and the arithmetic of products and rates over time. #}

{# Exits of mart time_to_event that are events, competing with each other; all other exits are censoring. #}
{% macro survival_events() -%}
    {{ return(['first_job', 'degree_started', 'death', 'emigration']) }}
{%- endmacro %}

{# The product of part / whole (counts, whole above zero) over the rows of a window, as a double. It is a sum of
   logarithms, but exactly zero from the first row on where nothing is left: there the logarithm does not exist. #}
{% macro running_product(part, whole, window) -%}
    case
        when min({{ part }}) over ({{ window }}) = 0 then 0
        else exp(sum(ln({{ quotient('nullif(' ~ part ~ ', 0)', whole) }})) over ({{ window }}))
    end
{%- endmacro %}

{# A number with so many decimals, out of up to eighteen digits: rounded once, at the end, doubles that engines
   sum in another order become the same decimal. #}
{% macro rounded(number, decimals) -%}
    cast({{ round_to(number, decimals) }} as decimal(18, {{ decimals }}))
{%- endmacro %}
