{# One word per layer: the schema is the folder's name, without a prefix of the target; where an engine's builds have
   versions, these are the prefix (macros/spark.sql). #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ return(adapter.dispatch('generate_schema_name', 'polku')(custom_schema_name, node)) }}
{%- endmacro %}

{% macro default__generate_schema_name(custom_schema_name, node) -%}
    {{ return(custom_schema_name or target.schema) }}
{%- endmacro %}
