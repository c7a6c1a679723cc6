{# Statistics of state sequences. Sums are exact; like `ratio`, each macro computes in doubles and rounds at once, so
   that engines agree. #}

{# A mean with four decimals, null when there is nobody. #}
{% macro mean_of(total, weight) -%}
    cast({{ round_to(quotient(total, weight), 4) }} as decimal(12, 4))
{%- endmacro %}

{# The standard error of a mean with weights w: the root of sum w (x - mean)^2 over (sum w)^2 - sum w^2, null for one
   person. With weights of one it is the usual s / sqrt(n); with others it is that of TraMineR's seqmeant (serr = TRUE).
   Arguments: sum w x, sum w x^2, sum w, sum w^2. #}
{% macro standard_error(total, squares, weight, squared_weight) -%}
    {%- set error -%}
    sqrt(
        greatest(
            cast({{ squares }} as double)
            - cast({{ total }} as double) * {{ quotient(total, weight) }},
            0
        ) / nullif(
            cast({{ weight }} as double) * cast({{ weight }} as double) - cast({{ squared_weight }} as double), 0
        )
    )
    {%- endset -%}
    cast({{ round_to(error, 4) }} as decimal(12, 4))
{%- endmacro %}

{# What a part adds to Shannon's entropy of the whole: -p ln p, zero for an empty part. #}
{% macro surprisal(part, whole) -%}
    coalesce(cast({{ round_to(
        '-' ~ quotient(part, whole) ~ ' * ln(nullif(' ~ quotient(part, whole) ~ ', 0))', 10
    ) }} as decimal(12, 10)), 0)
{%- endmacro %}

{# Entropy as a part of its greatest possible value, that of an even distribution over `states` states; null when there
   is one state alone. Two decimals: a finer figure would give the distribution of few persons away. #}
{% macro normalised_entropy(surprisals, weight, states) -%}
    cast({{ round_to(
        quotient(surprisals, 'cast(' ~ weight ~ ' as double) * ln(nullif(cast(' ~ states ~ ' as double), 0))'), 2
    ) }} as decimal(3, 2))
{%- endmacro %}

{# The strictest threshold on persons of the release profiles (polku/disclosure), which do not reach dbt. #}
{% macro strictest_threshold() -%}
    10
{%- endmacro %}
