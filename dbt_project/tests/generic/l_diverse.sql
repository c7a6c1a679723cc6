{# Persons in classes where a sensitive column has too few values, or one value is nearly everybody's. #}
{% test l_diverse(model) %}

{{ config(severity='warn', store_failures=false, fail_calc='coalesce(max(persons), 0)') }}
-- depends_on: {{ ref('stg_reference__study') }}

{% if execute %}
{%- set meta = microdata_meta(model) -%}
{{ persons_in_classes(model, meta, classes_below_l(model, meta)) }}
{% endif %}

{% endtest %}
