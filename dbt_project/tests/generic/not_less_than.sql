{# A column is never less than a number or another column. #}
{% test not_less_than(model, column, least) %}

select {{ column }}
from {{ model }}
where {{ column }} < {{ least }}

{% endtest %}
