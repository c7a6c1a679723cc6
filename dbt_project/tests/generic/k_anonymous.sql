{# Persons who share all quasi-identifiers with fewer persons than the study's k asks for, herself included. #}
{% test k_anonymous(model) %}

{{ config(severity='warn', store_failures=false, fail_calc='coalesce(max(persons), 0)') }}
-- depends_on: {{ ref('stg_reference__study') }}

{% if execute %}
{%- set meta = microdata_meta(model) -%}
{{ persons_in_classes(model, meta, classes_below_k(model, meta)) }}
{% endif %}

{% endtest %}
