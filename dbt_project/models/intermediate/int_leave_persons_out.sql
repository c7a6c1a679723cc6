{%- set outcomes = compared_outcomes() -%}

with persons as (

    select * from {{ ref('int_sum_persons') }}
    where {{ in_all_shards('shard') }}

),

carried as (

    select * from {{ ref('int_carry_gains') }}

),

counted as (

    select * from {{ ref('int_total_groups') }}

),

units as (

    select
        {% for outcome in outcomes %}
        {{ outcome }}_weight,
        {{ outcome }}_sum,
        {% endfor %}
        design_code,
        'all' as stratum_code,
        'all' as subgroup_code,
        group_code,
        person_key as unit_key,
        months_since_entry
    from persons

),

{{ moves_of_units() }}

select * from moved
