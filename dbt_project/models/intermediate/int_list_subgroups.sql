{#- What is known in the month of comparison; who has no value is in no subgroup of it. -#}
{%- set characteristics = ['sex', 'age_band', 'residence_ground', 'years_since_arrival', 'entry_year'] -%}

with risk_sets as (

    select * from {{ ref('int_list_risk_sets') }}

),

wanted as (

    select * from {{ ref('stg_reference__subgroups') }}

),

described as (

    select
        person_key,
        month_index,
        case sex_code when '1' then 'men' when '2' then 'women' end as sex,
        case
            when age_months between 216 and 359 then 'age_18_29'
            when age_months between 360 and 539 then 'age_30_44'
            when age_months between 540 and 779 then 'age_45_64'
        end as age_band,
        residence_ground_code as residence_ground,
        case
            when months_since_arrival between 0 and 35 then 'arrived_0_2'
            when months_since_arrival between 36 and 71 then 'arrived_3_5'
            when months_since_arrival >= 72 then 'arrived_6_on'
        end as years_since_arrival,
        cast(extract(year from {{ month_start('month_index') }}) as string) as entry_year
    from risk_sets

),

one_way as (

    {% for characteristic in characteristics %}
    select
        person_key,
        month_index,
        '{{ characteristic }}' as characteristic_code,
        {{ characteristic }} as value_code
    from described
    where {{ characteristic }} is not null
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- Everybody is a subgroup as well, so that the whole and its parts are estimated alike.
final as (

    select
        person_key,
        month_index,
        'all' as stratum_code,
        'all' as subgroup_code
    from risk_sets
    union all
    select
        one_way.person_key,
        one_way.month_index,
        wanted.stratum_code,
        one_way.value_code as subgroup_code
    from one_way
    inner join wanted
        on one_way.characteristic_code = wanted.first_code
    where wanted.second_code is null
    union all
    select
        firsts.person_key,
        firsts.month_index,
        wanted.stratum_code,
        concat(firsts.value_code, '-', seconds.value_code) as subgroup_code
    from one_way as firsts
    inner join wanted
        on firsts.characteristic_code = wanted.first_code
    inner join one_way as seconds
        on
            firsts.person_key = seconds.person_key
            and firsts.month_index = seconds.month_index
            and wanted.second_code = seconds.characteristic_code

)

select * from final
