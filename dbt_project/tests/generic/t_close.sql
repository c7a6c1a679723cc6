{# Persons in classes whose sensitive values tell too much more than everybody's. #}
{% test t_close(model) %}

{{ config(severity='warn', store_failures=false, fail_calc='coalesce(max(persons), 0)') }}
-- depends_on: {{ ref('stg_reference__study') }}

{% if execute %}
{%- set meta = microdata_meta(model) -%}
{{ persons_in_classes(model, meta, classes_above_t(model, meta)) }}
{% endif %}

{% endtest %}
