{%- set outcomes = compared_outcomes() -%}
{%- set sums = ['weight', 'sum', 'squares', 'persons', 'with', 'without'] -%}

with blocks as (

    select
        {% for outcome in outcomes %}
        {{ outcome }}_persons - {{ outcome }}_with as {{ outcome }}_without,
        {% endfor %}
        *
    from {{ ref('int_sum_blocks') }}

),

persons as (

    select
        'all' as stratum_code,
        'all' as subgroup_code,
        *
    from {{ ref('int_count_persons') }}

),

parts as (

    {% for part in ['blocks', 'persons'] %}
    select
        {% for outcome in outcomes %}
        {% for summed in sums %}
        {{ outcome }}_{{ summed }},
        {% endfor %}
        {% endfor %}
        design_code,
        stratum_code,
        subgroup_code,
        group_code,
        months_since_entry
    from {{ part }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

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
        stratum_code,
        subgroup_code,
        group_code,
        months_since_entry
    from parts
    group by design_code, stratum_code, subgroup_code, group_code, months_since_entry

)

select * from final
