{%- set outcomes = compared_outcomes() -%}
{#- The rows that a design compares, and their weight. -#}
{%- set designs = {
    'as_assigned': {'rows': 'weighed', 'weight': 'weight_60'},
    'until_own_entry': {'rows': 'staying', 'weight': 'weight_60 * staying_weight'},
    'change_until_own_entry': {'rows': 'changed', 'weight': 'weight_60 * staying_weight'}
} -%}

with weighed as (

    select * from {{ ref('int_weigh_risk_sets') }}

),

staying as (

    select * from weighed
    where months_since_own_entry is null

),

bases as (

    select * from staying
    where months_since_entry = -1

),

changed as (

    select
        staying.shard,
        staying.person_key,
        staying.group_code,
        staying.months_since_entry,
        staying.weight_60,
        {% for outcome in outcomes %}
        staying.{{ outcome }} - bases.{{ outcome }} as {{ outcome }},
        {% endfor %}
        staying.staying_weight
    from staying
    inner join bases
        on
            staying.shard = bases.shard
            and staying.person_key = bases.person_key
            and staying.entry_month_index = bases.entry_month_index

),

-- A person may be compared in several months. Sums of numbers, not of decimals, take half as long; weights have six
-- decimals and amounts two, so that with as many a sum no longer depends on its order.
final as (

    {% for design, its in designs.items() %}
    select
        {% for outcome in outcomes %}
        {% set weights = 'sum(case when ' ~ outcome ~ ' is not null then ' ~ as_number(its.weight) ~ ' end)' %}
        {% set products = 'sum(' ~ as_number(its.weight) ~ ' * ' ~ as_number(outcome) ~ ')' %}
        {{ round_to(weights, 6) }} as {{ outcome }}_weight,
        {{ round_to(products, 8) }} as {{ outcome }}_sum,
        {% endfor %}
        '{{ design }}' as design_code,
        group_code,
        person_key,
        months_since_entry,
        shard
    from {{ its.rows }}
    group by group_code, person_key, months_since_entry, shard
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from final
