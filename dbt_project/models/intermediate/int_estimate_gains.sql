{%- set outcomes = compared_outcomes() -%}

with weighed as (

    select * from {{ ref('int_weigh_risk_sets') }}
    where months_since_entry >= 0

),

carried as (

    select * from {{ ref('int_carry_gains') }}

),

-- As assigned: others are followed whether or not they have entered.
differences as (

    select
        {% for outcome in outcomes %}
        {{ quotient(
            sum_of_known('weight_60 * ' ~ outcome, 'client', outcome), sum_of_known('weight_60', 'client', outcome)
        ) }} - {{ quotient(
            sum_of_known('weight_60 * ' ~ outcome, 'other', outcome), sum_of_known('weight_60', 'other', outcome)
        ) }} as {{ outcome }},
        {% endfor %}
        months_since_entry
    from weighed
    group by months_since_entry

),

-- Unknown where a month that counts is unknown. Decimals, so that sums do not depend on their order.
final as (

    select
        {% for outcome in outcomes %}
        case
            when count(case when carried.{{ outcome }} > 0 and differences.{{ outcome }} is null then 1 end) = 0
                then {{ rounded('sum(carried.' ~ outcome ~ ' * differences.' ~ outcome ~ ')', 6) }}
        end as {{ outcome }},
        {% endfor %}
        carried.months_since_entry
    from carried
    left join differences
        on carried.from_month = differences.months_since_entry
    group by carried.months_since_entry

)

select * from final
