{%- set outcomes = compared_outcomes() -%}

with persons as (

    select * from {{ ref('int_sum_persons') }}
    where {{ in_all_shards('shard') }}

),

final as (

    select
        {% for outcome in outcomes %}
        sum({{ outcome }}_weight) as {{ outcome }}_weight,
        sum({{ outcome }}_sum) as {{ outcome }}_sum,
        sum({{ outcome }}_weight * {{ outcome }}_weight) as {{ outcome }}_squares,
        count({{ outcome }}_weight) as {{ outcome }}_persons,
        count(case when {{ outcome }}_sum <> 0 then 1 end) as {{ outcome }}_with,
        count(case when {{ outcome }}_sum <> {{ outcome }}_weight then 1 end) as {{ outcome }}_without,
        {% endfor %}
        design_code,
        group_code,
        months_since_entry,
        shard
    from persons
    group by design_code, group_code, months_since_entry, shard

)

select * from final
