with persons as (

    select * from {{ source('landing', 'dvv__persons') }}

),

origins as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'dvv' and list_name = 'syntyp2'

),

latest as (

    {{ latest_rows('persons', ['person_key']) }}

),

-- Foreign background: by origin, or by a mother tongue other than Finnish, Swedish and Sami.
final as (

    select
        latest.person_key,
        latest.sex_code,
        latest.birth_month,
        latest.mother_tongue_code,
        latest.citizenship_code,
        latest.birth_country_code,
        latest.origin_code,
        latest.marital_status_code,
        (
            coalesce(origins.group_code = 'foreign', false)
            or coalesce(latest.mother_tongue_code not in ('fi', 'sv', 'se'), false)
        ) as has_foreign_background,
        latest.died_on
    from latest
    left join origins
        on latest.origin_code = origins.code

)

select * from final
