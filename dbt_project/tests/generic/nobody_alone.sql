{# Persons who are alone in some combination of up to three quasi-identifiers. #}
{% test nobody_alone(model) %}

{{ config(severity='warn', store_failures=false, fail_calc='coalesce(max(persons), 0)') }}
-- depends_on: {{ ref('stg_reference__study') }}

{% if execute %}
{%- set meta = microdata_meta(model) -%}
{{ persons_alone(model, meta) }}
{% endif %}

{% endtest %}
