with clients as (

    select * from {{ source('landing', 'osaamiskeskus__clients') }}

),

latest as (

    {{ latest_rows('clients', ['client_key'], 'ended_on') }}

),

final as (

    select
        'osaamiskeskus' as register,
        client_key,
        person_key,
        started_on,
        {{ half_open('ended_on') }} as ended_on,
        education_level_code,
        finnish_level_code,
        weight,
        recorded_on
    from latest

)

select * from final
