{# The only file that names things of one engine. Models call these macros and otherwise keep to SQL
   that DuckDB and Spark read alike. The time axis is an integer month index: year * 12 + month - 1. #}

{# One row for each integer from low to high (none when low > high); once per select list. #}
{% macro explode_range(low, high) -%}
    {{ return(adapter.dispatch('explode_range', 'polku')(low, high)) }}
{%- endmacro %}

{% macro duckdb__explode_range(low, high) -%}
    unnest(generate_series({{ low }}, {{ high }}))
{%- endmacro %}

{% macro spark__explode_range(low, high) -%}
    explode(filter(sequence({{ low }}, greatest({{ low }}, {{ high }})), i -> i <= {{ high }}))
{%- endmacro %}


{# The date `days` days after `day`. #}
{% macro add_days(day, days) -%}
    {{ return(adapter.dispatch('add_days', 'polku')(day, days)) }}
{%- endmacro %}

{% macro duckdb__add_days(day, days) -%}
    cast({{ day }} + cast({{ days }} as integer) as date)
{%- endmacro %}

{% macro spark__add_days(day, days) -%}
    date_add({{ day }}, cast({{ days }} as integer))
{%- endmacro %}


{# Days from `first` to `second`; negative when second is earlier. #}
{% macro days_between(first, second) -%}
    {{ return(adapter.dispatch('days_between', 'polku')(first, second)) }}
{%- endmacro %}

{% macro duckdb__days_between(first, second) -%}
    cast(date_diff('day', {{ first }}, {{ second }}) as integer)
{%- endmacro %}

{% macro spark__days_between(first, second) -%}
    datediff({{ second }}, {{ first }})
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
    make_date(cast(({{ index }}) // 12 as integer), cast(({{ index }}) % 12 + 1 as integer), 1)
{%- endmacro %}

{% macro spark__month_start(index) -%}
    make_date(cast(({{ index }}) div 12 as integer), cast(({{ index }}) % 12 + 1 as integer), 1)
{%- endmacro %}


{# True when this run rebuilds only the persons of `landing.touched`, the others' rows being as they were. #}
{% macro rebuilds_touched_only() -%}
    {{ return(adapter.dispatch('rebuilds_touched_only', 'polku')()) }}
{%- endmacro %}

{% macro default__rebuilds_touched_only() -%}
    {{ return(false) }}
{%- endmacro %}

{% macro duckdb__rebuilds_touched_only() -%}
    {{ return(execute and run_query("select coalesce(getvariable('touched_only'), false)").columns[0].values()[0]) }}
{%- endmacro %}


{# A double with so many decimals; halves go away from zero. Spark would round what the double is written as, and 1.005,
   which is a little less, up: it is given DuckDB's steps. The last bits of a sum follow the order of its rows, and would
   decide about a half: they go first. #}
{% macro round_to(number, decimals) -%}
    {%- set round_once = adapter.dispatch('round_once', 'polku') -%}
    {{ return(round_once(round_once(number, [decimals + 3, 10] | max), decimals)) }}
{%- endmacro %}

{% macro duckdb__round_once(number, decimals) -%}
    round({{ number }}, {{ decimals }})
{%- endmacro %}

{% macro spark__round_once(number, decimals) -%}
    {%- if decimals < 0 -%}
    (round(({{ number }}) / 1e{{ -decimals }}D) * 1e{{ -decimals }}D)
    {%- else -%}
    (round(({{ number }}) * 1e{{ decimals }}D) / 1e{{ decimals }}D)
    {%- endif -%}
{%- endmacro %}


{# The texts of a group joined by `-` in the order of a column. #}
{% macro join_in_order(text, position) -%}
    {{ return(adapter.dispatch('join_in_order', 'polku')(text, position)) }}
{%- endmacro %}

{% macro duckdb__join_in_order(text, position) -%}
    string_agg({{ text }}, '-' order by {{ position }})
{%- endmacro %}

{% macro spark__join_in_order(text, position) -%}
    listagg({{ text }}, '-') within group (order by {{ position }})
{%- endmacro %}


{# One row per row at risk with its chance of entering: a regression, which SQL cannot express. The connection has the
   table `entry_chances` (polku.effects.entering); its columns are those of int_score_risk_sets. #}
{% macro entry_chances(rows) -%}
    {{ return(adapter.dispatch('entry_chances', 'polku')(rows)) }}
{%- endmacro %}

{% macro duckdb__entry_chances(rows) -%}
    select
        person_key,
        month_index,
        entry_logit,
        entry_chance
    from entry_chances('{{ rows }}')
{%- endmacro %}

{% macro spark__entry_chances(rows) -%}
    select
        person_key,
        month_index,
        entry_logit,
        entry_chance
    from {{ target.schema }}__landing.entry_chances
{%- endmacro %}


{# A table of one column that holds these texts. A table that is to be turned - a row for each of its columns - is joined
   with it once: a select for each column would have Spark compute the table as often, since it does not keep a CTE. #}
{% macro rows_of(column, codes) -%}
    {% for code in codes %}
    select '{{ code }}' as {{ column }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
{%- endmacro %}

{# Of columns that are called like the codes, but for what stands before and after them, the one whose code a row has. #}
{% macro by_code(code, codes, before='', after='') -%}
    case {{ code }} {%- for column in codes %} when '{{ column }}' then {{ before }}{{ column }}{{ after }} {%- endfor %} end
{%- endmacro %}
