{# Tables with one or more rows of each person, and how they are filled.

   person_table: the whole of it shard by shard where the model's SQL says with `in_all_shards` where it is split, so
   that the memory a build needs does not grow with the number of persons (expanding all persons at once took more than
   twice the memory and time); var `shards` says into how many. In a run that rebuilds only the persons of
   `landing.touched`, their rows alone are computed, and take the place of the old ones. The model's SQL is valid as a
   whole and must give a person's rows from the rows of that person.

   compared_table: a table by person whose rows depend on other persons too. It is always built whole; persons whose
   rows have changed join the touched ones before the models that read it are built. #}

{# The shard of a person: an integer from 0 to shards - 1. #}
{% macro shard_of(person_key) -%}
    cast({{ person_key }} % {{ var('shards') }} as integer)
{%- endmacro %}

{# True in every shard; the materialization narrows it to one shard at a time. #}
{% macro in_all_shards(shard) -%}
    {{ shard }} in ({{ range(var('shards')) | join(', ') }})
{%- endmacro %}

{# The persons whom this run rebuilds. #}
{% macro touched_persons() -%}
    (select entity_key from {{ this.database }}.landing.touched)
{%- endmacro %}

{% materialization person_table, default %}
    {%- set target = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {% if existing is not none and rebuilds_touched_only() %}
        {% call statement('delete_touched') -%}
            delete from {{ target }} where person_key in {{ touched_persons() }}
        {%- endcall %}
        {%- set columns = adapter.get_columns_in_relation(target) | map(attribute='name') | join(', ') %}
        {% call statement('main') -%}
            insert into {{ target }} ({{ columns }})
            select {{ columns }} from ({{ of_touched(sql) }}) as rebuilt
            where person_key in {{ touched_persons() }}
        {%- endcall %}
        {{ adapter.commit() }}
    {% else %}
        {{ build_by_shards(target, existing, sql) }}
    {% endif %}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target]}) }}
{% endmaterialization %}

{% materialization compared_table, default %}
    {%- set target = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set before = make_temp_relation(target, '__before') -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {% set compares = existing is not none and rebuilds_touched_only() %}
    {% if compares %}
        {% do run_query(create_table_as(True, before, 'select * from ' ~ existing)) %}
    {% endif %}
    {{ build_by_shards(target, existing, sql) }}
    {% if compares %}
        {% call statement('touch_changed') -%}
            insert into {{ this.database }}.landing.touched
            select person_key from (select * from {{ before }} except select * from {{ target }}) as gone
            union
            select person_key from (select * from {{ target }} except select * from {{ before }}) as come
        {%- endcall %}
        {{ adapter.commit() }}
    {% endif %}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target]}) }}
{% endmaterialization %}

{# Builds a table beside the old one, a shard at a time where its SQL is split, and swaps it in. #}
{% macro build_by_shards(target, existing, sql) %}
    {%- set building = make_intermediate_relation(target) -%}
    {%- set backup = make_backup_relation(target, 'table') -%}
    {%- set all_shards = in_all_shards('') -%}

    {{ drop_relation_if_exists(load_cached_relation(building)) }}
    {{ drop_relation_if_exists(load_cached_relation(backup)) }}
    {% for shard in range(var('shards') if all_shards in sql else 1) %}
        {%- set rows = sql | replace(all_shards, ' in (' ~ shard ~ ')') -%}
        {% if loop.first %}
            {% call statement('main') -%}
                {{ create_table_as(False, building, rows) }}
            {%- endcall %}
        {% else %}
            {# By name: dbt's own subquery has the columns in the order in which they are described. #}
            {%- set columns = adapter.get_columns_in_relation(building) | map(attribute='name') | join(', ') %}
            {% call statement('shard_' ~ shard) -%}
                insert into {{ building }} ({{ columns }}) select {{ columns }} from ({{ rows }}) as shard_rows
            {%- endcall %}
        {% endif %}
    {% endfor %}
    {% if existing is not none %}
        {{ adapter.rename_relation(existing, backup) }}
    {% endif %}
    {{ adapter.rename_relation(building, target) }}
    {% do persist_docs(target, model) %}
    {{ adapter.commit() }}
    {{ drop_relation_if_exists(backup) }}
{% endmacro %}

{# The model's SQL, reading of other tables by person the touched persons' rows only. #}
{% macro of_touched(sql) -%}
    {%- set ns = namespace(sql=sql) -%}
    {%- for id in model.depends_on.nodes if id in graph.nodes -%}
        {%- set node = graph.nodes[id] -%}
        {%- if node.config.materialized in ('person_table', 'compared_table') -%}
            {%- set rows -%}
                (select * from {{ node.relation_name }} where person_key in {{ touched_persons() }})
            {%- endset -%}
            {%- set ns.sql = ns.sql | replace(node.relation_name, rows) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(ns.sql) }}
{%- endmacro %}
