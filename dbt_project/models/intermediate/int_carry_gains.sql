{#- Entries of entries of entries: so many generations of later entrants that nothing is left of the last. -#}
{%- set doublings = 3 -%}
{%- set outcomes = compared_outcomes() -%}

with weighed as (

    select * from {{ ref('int_weigh_risk_sets') }}
    where months_since_entry >= 0

),

-- Rows of others by month since the comparison, and columns by month since their own entry.
entered as (

    select
        {% for outcome in outcomes %}
        sum(case when {{ outcome }} is not null then weight_60 end) as {{ outcome }},
        {% endfor %}
        months_since_entry,
        months_since_own_entry as from_month
    from weighed
    where group_code = 'other'
    group by months_since_entry, months_since_own_entry

),

totals as (

    select
        {% for outcome in outcomes %}
        sum({{ outcome }}) as {{ outcome }},
        {% endfor %}
        months_since_entry
    from entered
    group by months_since_entry

),

-- In each month, the share of others who had entered so many months before.
step_1 as (

    select
        {% for outcome in outcomes %}
        coalesce({{ quotient('entered.' ~ outcome, 'totals.' ~ outcome) }}, 0) as {{ outcome }},
        {% endfor %}
        entered.months_since_entry,
        entered.from_month
    from entered
    inner join totals
        on entered.months_since_entry = totals.months_since_entry
    where entered.from_month is not null

),

reached_1 as (

    select * from step_1
    union all
    select
        {% for outcome in outcomes %}
        {{ as_number('1') }} as {{ outcome }},
        {% endfor %}
        months_since_entry,
        months_since_entry as from_month
    from totals

),

-- One, its square and all powers after: each doubling adds as many generations as there are already.
{% for doubling in range(doublings) %}
{% set now = 2 ** doubling %}
step_{{ 2 * now }} as (

    {{ matrix_product('step_' ~ now, 'step_' ~ now) }}

),

further_{{ 2 * now }} as (

    {{ matrix_product('reached_' ~ now, 'step_' ~ 2 * now) }}

),

reached_{{ 2 * now }} as (

    select
        {% for outcome in outcomes %}
        sum({{ outcome }}) as {{ outcome }},
        {% endfor %}
        months_since_entry,
        from_month
    from (
        select * from reached_{{ now }}
        union all
        select * from further_{{ 2 * now }}
    ) as generations
    group by months_since_entry, from_month

),

{% endfor %}
final as (

    select * from reached_{{ 2 ** doublings }}

)

select * from final
