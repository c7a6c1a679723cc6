{# What the staging models share: which row of several deliveries stands, and how a code is looked up. #}

{# The rows of `rows` that stand: of those with the same natural key the one recorded last (the greatest
   delivery and row number decide between equals, so that the choice never depends on the engine). With
   `ended_on`, a closed spell stands before the same spell still open: registers deliver it again when it
   ends, sometimes in one extract, where row numbers say nothing about time. `withdrawn` is a boolean column by
   which the source takes a row back: where the row that stands says so, none does. #}
{% macro latest_rows(rows, natural_key, ended_on=none, withdrawn=none) -%}
    select *
    from (
        select
            *,
            row_number() over (
                partition by {{ natural_key | join(', ') }}
                order by
                    recorded_on desc nulls last,
                    delivery_id desc nulls last,
                    {%- if ended_on %}
                    {{ ended_on }} asc nulls last,
                    {%- endif %}
                    row_no desc nulls last
            ) as recency
        from {{ rows }}
    ) as ranked
    where
        recency = 1
        {%- if withdrawn %}
        and not coalesce({{ withdrawn }}, false)
        {%- endif %}
{%- endmacro %}

{# True when a code's row in stg_reference__codes was valid on the day of the event. #}
{% macro valid_on(codes, day) -%}
    ({{ codes }}.valid_from_on is null or {{ day }} >= {{ codes }}.valid_from_on)
    and ({{ codes }}.valid_to_on is null or {{ day }} < {{ codes }}.valid_to_on)
{%- endmacro %}

{# A source's inclusive last day as the exclusive end of a half-open interval; open stays null. #}
{% macro half_open(last_day) -%}
    {{ add_days(last_day, 1) }}
{%- endmacro %}

{# The register that a staging model belongs to: stg_<register>__<entities>. #}
{% macro register_of(model) -%}
    {{ return(model.split('__')[0] | replace('stg_', '')) }}
{%- endmacro %}
