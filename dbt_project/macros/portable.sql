{# The only file that names things of one engine. Models call these macros and otherwise keep to SQL
   that DuckDB and Spark read alike. The time axis is an integer month index: year * 12 + month - 1. #}

{# One row for each integer from low to high (none when low > high); once per select list. #}
{% macro explode_range(low, high) -%}
    {{ return(adapter.dispatch('explode_range', 'polku')(low, high)) }}
{%- endmacro %}

{% macro duckdb__explode_range(low, high) -%}
    unnest(generate_series({{ low }}, {{ high }}))
{%- endmacro %}


{# The date `days` days after `day`. #}
{% macro add_days(day, days) -%}
    {{ return(adapter.dispatch('add_days', 'polku')(day, days)) }}
{%- endmacro %}

{% macro duckdb__add_days(day, days) -%}
    cast({{ day }} + cast({{ days }} as integer) as date)
{%- endmacro %}


{# Days from `first` to `second`; negative when second is earlier. #}
{% macro days_between(first, second) -%}
    {{ return(adapter.dispatch('days_between', 'polku')(first, second)) }}
{%- endmacro %}

{% macro duckdb__days_between(first, second) -%}
    cast(date_diff('day', {{ first }}, {{ second }}) as integer)
{%- endmacro %}


{# The month index of a date. #}
{% macro month_index(day) -%}
    cast(extract(year from {{ day }}) * 12 + extract(month from {{ day }}) - 1 as integer)
{%- endmacro %}


{# The first day of the month with this index. #}
{% macro month_start(index) -%}
    {{ return(adapter.dispatch('month_start', 'polku')(index)) }}
{%- endmacro %}

{% macro duckdb__month_start(index) -%}
    make_date(cast({{ index }} // 12 as integer), cast({{ index }} % 12 + 1 as integer), 1)
{%- endmacro %}


{# On every run: make the landed deliveries readable as the tables of the source `landing`. #}
{% macro register_landing() -%}
    {{ return(adapter.dispatch('register_landing', 'polku')()) }}
{%- endmacro %}

{# Views over the encrypted Parquet parts, which live outside the database file. A table without a
   delivery is an empty view, a column that a delivery lacks is null. One read per part: DuckDB 1.5.5
   fails on encrypted parts with the option union_by_name.

   Rows keep the keys under which they landed; here they get the keys of persons (the reference table
   person_keys, made by the crosswalk from links between identifiers), so that a merge or its undoing
   rewrites nothing. Rows about a person under restriction are left out. #}
{% macro duckdb__register_landing() -%}
    {%- if execute -%}
        {%- set person_keys -%}
            select cast(null as bigint) as entity_key, cast(null as bigint) as person_key, false as is_restricted
            where false
            {{ landed_parts('reference', 'person_keys') }}
        {%- endset -%}
        {%- for table in graph.sources.values() if table.source_name == 'landing' -%}
            {%- set register, name = table.name.split('__') -%}
            {%- set schema = table.database ~ '.' ~ table.schema -%}
            {%- set identities = [] -%}
            {%- for column in table.columns.values() if column.config.meta.identity -%}
                {%- do identities.append(column) -%}
            {%- endfor -%}
            {%- do run_query('create schema if not exists ' ~ schema) -%}
            {%- set view -%}
                create or replace view {{ schema }}.{{ table.identifier }} as
                with person_keys as ({{ person_keys }}),
                landed as (
                    select
                        {% for column in table.columns.values() %}
                        cast(null as {{ column.data_type }}) as {{ column.name }}{{ ',' if not loop.last }}
                        {% endfor %}
                    where false
                    {{ landed_parts(register, name) }}
                )
                select
                    {% for column in table.columns.values() %}
                    cast(
                        {%- if column.config.meta.identity == 'person' -%}
                        coalesce({{ column.name }}__keys.person_key, landed.{{ column.name }})
                        {%- else -%}
                        landed.{{ column.name }}
                        {%- endif %} as {{ column.data_type }}) as {{ column.name }}{{ ',' if not loop.last }}
                    {% endfor %}
                from landed
                {% for column in identities %}
                left join person_keys as {{ column.name }}__keys
                    on landed.{{ column.name }} = {{ column.name }}__keys.entity_key
                {% endfor %}
                {% for column in identities %}
                {{ 'where' if loop.first else 'and' }} coalesce(not {{ column.name }}__keys.is_restricted, true)
                {% endfor %}
            {%- endset -%}
            {%- do run_query(view) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{# Reads of the parts of one landed table, each with `union all by name` before it. #}
{% macro landed_parts(register, name) -%}
    {%- set files = run_query(
        "select file from glob(getvariable('landing_root') || '/" ~ register ~ '/' ~ name ~ "/*.parquet')"
        ~ ' order by file'
    ).columns[0].values() -%}
    {% for file in files %}
    union all by name
    select * from read_parquet('{{ file }}', encryption_config = {footer_key: 'polku'})
    {% endfor %}
{%- endmacro %}
