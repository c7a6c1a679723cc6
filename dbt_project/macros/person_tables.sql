{# Tables with one or more rows of each person, and how they are filled.

   person_table: the whole of it by some shards at a time where the model's SQL says with `in_all_shards` where it is
   split, so that the memory a build needs does not grow with the number of persons (expanding all persons at once took
   more than twice the memory and time). In a run that rebuilds only the persons of `landing.touched`, their rows alone
   are computed, and take the place of the old ones. The model's SQL is valid as a whole and must give a person's rows
   from the rows of that person.

   compared_table: a table by person whose rows depend on other persons too. It is always built whole; persons whose
   rows have changed join the touched ones before the models that read it are built.

   sharded_table: one that is always built whole, by shards like a person_table. #}

{# The shard of a person: an integer from 0 to shards - 1. #}
{% macro shard_of(person_key) -%}
    cast({{ person_key }} % {{ var('shards') }} as integer)
{%- endmacro %}

{# True in every shard; the materialization narrows it to those that are built at once. #}
{% macro in_all_shards(shard) -%}
    {{ shard }} {{ between_shards(0, var('shards')) }}
{%- endmacro %}

{% macro between_shards(first, next) -%}
    between {{ first }} and {{ next - 1 }}
{%- endmacro %}

{# How many shards are built at once. Persons are counted in the model that every sharded one is made of; where it is not
   there, as in a test of one model, they are few. #}
{% macro shards_at_once() -%}
    {%- set persons = load_relation(this.incorporate(
        path={'schema': 'intermediate', 'identifier': 'int_resolve_persons'}
    )) -%}
    {%- set counted = run_query('select count(*) from ' ~ persons).columns[0].values()[0] if persons else 0 -%}
    {%- set builds = [1, (counted / var('persons_at_once')) | round(0, 'ceil') | int] | max -%}
    {{ return((var('shards') / builds) | round(0, 'ceil') | int) }}
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

{% materialization sharded_table, default %}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {% set target = this.incorporate(type='table') %}
    {{ build_by_shards(target, load_cached_relation(this), sql) }}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target]}) }}
{% endmaterialization %}

{# Builds a table beside the old one, some shards at a time where its SQL is split, and swaps it in. #}
{% macro build_by_shards(target, existing, sql) %}
    {%- set building = make_intermediate_relation(target) -%}
    {%- set backup = make_backup_relation(target, 'table') -%}
    {%- set all_shards = in_all_shards('') | trim -%}
    {%- set at_once = shards_at_once() if all_shards in sql else var('shards') -%}

    {{ drop_relation_if_exists(load_cached_relation(building)) }}
    {{ drop_relation_if_exists(load_cached_relation(backup)) }}
    {% for shard in range(0, var('shards'), at_once) %}
        {%- set rows = sql | replace(all_shards, between_shards(shard, shard + at_once)) -%}
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
