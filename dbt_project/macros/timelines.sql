{# What the common timelines share: how the registers' rows are united and how spells become longer ones. #}

{# All rows of the staging models that feed one common timeline, with the register that each comes from; `columns` are
   their other columns with types. Without any model the table is there all the same, and empty. #}
{% macro union_models(models, columns) -%}
    {% for model in models %}
    select
        '{{ register_of(model) }}' as register,
        {{ columns | join(', ') }}
    from {{ ref(model) }}
    {{ 'union all' if not loop.last }}
    {% else %}
    select
        cast(null as string) as register,
        {% for column, kind in columns.items() %}
        cast(null as {{ kind }}) as {{ column }}{{ ',' if not loop.last }}
        {% endfor %}
    where false
    {% endfor %}
{%- endmacro %}

{# Which landed table of which register feeds a kind of event; `models` are the staging models of each kind. #}
{% macro feeding_tables(models) -%}
    select
        cast(null as string) as kind_code,
        cast(null as string) as register,
        cast(null as string) as table_name
    where false
    {% for kind, its in models.items() %}
    {% for model in its %}
    union all
    select
        '{{ kind }}' as kind_code,
        '{{ register_of(model) }}' as register,
        '{{ table_of(model) }}' as table_name
    {% endfor %}
    {% endfor %}
{%- endmacro %}

{# Unbroken spells out of `spells` (started_on, ended_on, gap_days) with the same `keys`: those that overlap, touch or
   lie at most gap_days apart are one, and an open end absorbs all that follows.

   Days are counted from a fixed day, so that an open end can be compared as a number greater than all. What counts is
   the end of everything before a spell, not of the spell just before it: a short spell inside a long one must not hide
   the long one's end. Spells that are alike stand in no order, and each window may see them in another one: they are
   numbered together (`range`). #}
{% macro merge_spells(spells, keys) -%}
    select
        {{ keys | join(', ') }},
        min(started_on) as started_on,
        case when count(ended_on) = count(*) then max(ended_on) end as ended_on,
        cast(count(*) as integer) as merged_spells
    from (
        select
            *,
            sum(case when first_day_no <= earlier_end_day_no + gap_days then 0 else 1 end) over (
                partition by {{ keys | join(', ') }}
                order by first_day_no nulls last, end_day_no nulls last, gap_days nulls last
                range between unbounded preceding and current row
            ) as spell_no
        from (
            select
                *,
                max(end_day_no) over (
                    partition by {{ keys | join(', ') }}
                    order by first_day_no nulls last, end_day_no nulls last, gap_days nulls last
                    rows between unbounded preceding and 1 preceding
                ) as earlier_end_day_no
            from (
                select
                    *,
                    {{ days_between("cast('1900-01-01' as date)", 'started_on') }} as first_day_no,
                    coalesce({{ days_between("cast('1900-01-01' as date)", 'ended_on') }}, 9999999) as end_day_no
                from {{ spells }}
            ) as counted
        ) as compared
    ) as numbered
    group by {{ keys | join(', ') }}, spell_no
{%- endmacro %}

{# Months that have been completed from one day to another, by the day of the month; in a month that is too short for
   it the last day completes it (29 February, the 31st). #}
{% macro completed_months(first, second) -%}
    cast({{ month_index(second) }} - {{ month_index(first) }} - case
        when
            extract(day from {{ second }}) < extract(day from {{ first }})
            and extract(day from {{ add_days(second, 1) }}) <> 1
            then 1
        else 0
    end as integer)
{%- endmacro %}

{# What a table can say of a month, from the best to the worst. #}
{% macro coverage_statuses() -%}
    {{ return(['observed', 'purged', 'immature', 'not_covered', 'not_received']) }}
{%- endmacro %}
