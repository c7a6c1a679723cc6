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

final as (

    select
        {% for outcome in outcomes %}
        coalesce({{ quotient('entered.' ~ outcome, 'totals.' ~ outcome) }}, 0) as {{ outcome }},
        {% endfor %}
        entered.months_since_entry,
        entered.from_month
    from entered
    inner join totals
        on entered.months_since_entry = totals.months_since_entry

)

select * from final
