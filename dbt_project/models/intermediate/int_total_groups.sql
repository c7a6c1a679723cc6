{%- set outcomes = compared_outcomes() -%}

with blocks as (

    select * from {{ ref('int_sum_blocks') }}

),

persons as (

    select * from {{ ref('int_count_persons') }}

),

-- Sums are rounded, for they depend on their order.
final as (

    select
        {% for outcome in outcomes %}
        {{ round_to('sum(' ~ outcome ~ '_weight)', 6) }} as {{ outcome }}_weight,
        {{ round_to('sum(' ~ outcome ~ '_sum)', 6) }} as {{ outcome }}_sum,
        {{ round_to('sum(' ~ outcome ~ '_squares)', 6) }} as {{ outcome }}_squares,
        cast(sum({{ outcome }}_persons) as bigint) as {{ outcome }}_persons,
        cast(sum({{ outcome }}_with) as bigint) as {{ outcome }}_with,
        cast(sum({{ outcome }}_without) as bigint) as {{ outcome }}_without,
        {% endfor %}
        design_code,
        'all' as stratum_code,
        'all' as subgroup_code,
        group_code,
        months_since_entry
    from persons
    group by design_code, group_code, months_since_entry
    union all
    select
        {% for outcome in outcomes %}
        {{ round_to('sum(' ~ outcome ~ '_weight)', 6) }} as {{ outcome }}_weight,
        {{ round_to('sum(' ~ outcome ~ '_sum)', 6) }} as {{ outcome }}_sum,
        {{ round_to('sum(' ~ outcome ~ '_squares)', 6) }} as {{ outcome }}_squares,
        cast(sum({{ outcome }}_persons) as bigint) as {{ outcome }}_persons,
        cast(sum({{ outcome }}_with) as bigint) as {{ outcome }}_with,
        cast(sum({{ outcome }}_persons - {{ outcome }}_with) as bigint) as {{ outcome }}_without,
        {% endfor %}
        design_code,
        stratum_code,
        subgroup_code,
        group_code,
        months_since_entry
    from blocks
    group by design_code, stratum_code, subgroup_code, group_code, months_since_entry

)

select * from final
