{# The table has exactly this many rows, or some when no number is given. #}
{% test has_rows(model, rows=none) %}

select count(*) as rows_found
from {{ model }}
having count(*) {{ '= 0' if rows is none else '<> ' ~ rows }}

{% endtest %}
