{# A table that is filled shard by shard, so that the memory a build needs does not grow with the number
   of persons (expanding all persons at once took more than twice the memory and time). The model's SQL
   is valid as a whole and says with `in_all_shards` where it is split; var `shards` says into how many. #}

{# The shard of a person: an integer from 0 to shards - 1. #}
{% macro shard_of(person_key) -%}
    cast({{ person_key }} % {{ var('shards') }} as integer)
{%- endmacro %}

{# True in every shard; the materialization narrows it to one shard at a time. #}
{% macro in_all_shards(shard) -%}
    {{ shard }} in ({{ range(var('shards')) | join(', ') }})
{%- endmacro %}

{% materialization sharded_table, default %}
    {%- set target = this.incorporate(type='table') -%}
    {%- set building = make_intermediate_relation(target) -%}
    {%- set backup = make_backup_relation(target, 'table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set all_shards = in_all_shards('') -%}

    {{ drop_relation_if_exists(load_cached_relation(building)) }}
    {{ drop_relation_if_exists(load_cached_relation(backup)) }}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {% for shard in range(var('shards')) %}
        {%- set rows = sql | replace(all_shards, ' in (' ~ shard ~ ')') -%}
        {% if loop.first %}
            {% call statement('main') -%}
                {{ create_table_as(False, building, rows) }}
            {%- endcall %}
        {% else %}
            {% call statement('shard_' ~ shard) -%}
                insert into {{ building }} {{ get_select_subquery(rows) }}
            {%- endcall %}
        {% endif %}
    {% endfor %}

    {% if existing is not none %}
        {{ adapter.rename_relation(existing, backup) }}
    {% endif %}
    {{ adapter.rename_relation(building, target) }}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do persist_docs(target, model) %}
    {{ adapter.commit() }}
    {{ drop_relation_if_exists(backup) }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target]}) }}
{% endmaterialization %}
