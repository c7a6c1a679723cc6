{# Shares or rates of one whole sum to one, but for the rounding of each to eight decimals (macro ratio). #}
{% test sums_to_one(model, column, by) %}

select {{ by | join(', ') }}
from {{ model }}
group by {{ by | join(', ') }}
having abs(sum({{ column }}) - 1) > count({{ column }}) * 0.000000005

{% endtest %}
