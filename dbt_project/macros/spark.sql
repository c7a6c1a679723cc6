{# What Spark does otherwise than dbt expects, beside the words of portable.sql: where a build stands, how tables are
   made, and the names of types in contracts. #}

{# Every build stands in schemas of its own, so that the reading side can go over to it as a whole. #}
{% macro spark__generate_schema_name(custom_schema_name, node) -%}
    {{ return(target.schema ~ '__' ~ (custom_schema_name or 'staging')) }}
{%- endmacro %}

{# Spark divides the work by itself, and builds whole tables. #}
{% materialization person_table, adapter='spark' %}
    {{ return(materialization_table_spark()) }}
{% endmaterialization %}

{% materialization compared_table, adapter='spark' %}
    {{ return(materialization_table_spark()) }}
{% endmaterialization %}

{% materialization sharded_table, adapter='spark' %}
    {{ return(materialization_table_spark()) }}
{% endmaterialization %}

{# Views of staging alone: Spark computes a view anew wherever it is read, and other readers find no files of it. #}
{% materialization view, adapter='spark' %}
    {% if model.config.schema == 'staging' %}
        {{ return(create_or_replace_view()) }}
    {% else %}
        {{ return(materialization_table_spark()) }}
    {% endif %}
{% endmaterialization %}

{# A text has no type `varchar` without a length. #}
{% macro spark__cast(field, type) -%}
    cast({{ field }} as {{ 'string' if type == 'varchar' else type }})
{%- endmacro %}
