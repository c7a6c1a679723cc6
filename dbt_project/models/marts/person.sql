with persons as (

    select * from {{ ref('int_resolve_persons') }}

),

residences as (

    select * from {{ ref('int_build_residence_spells') }}

),

immigrations as (

    select
        person_key,
        max(ended_on) as first_immigration_on
    from residences
    where residence_code = 'out_of_study'
    group by person_key

),

final as (

    select
        persons.person_key,
        persons.is_client,
        persons.sex_code,
        persons.birth_month,
        cast(extract(year from persons.birth_month) as integer) as birth_year,
        persons.mother_tongue_code,
        persons.citizenship_code,
        persons.birth_country_code,
        persons.origin_code,
        persons.marital_status_code,
        persons.residence_ground_code,
        persons.education_level_code,
        persons.finnish_level_code,
        immigrations.first_immigration_on,
        persons.died_on,
        persons.weight
    from persons
    left join immigrations
        on persons.person_key = immigrations.person_key

)

select * from final
