{# Shares or rates of one whole sum to one, but for the rounding of their last digit. #}
{% test sums_to_one(model, column, by) %}

select {{ by | join(', ') }}
from {{ model }}
group by {{ by | join(', ') }}
having abs(sum({{ column }}) - 1) > 0.000001

{% endtest %}
