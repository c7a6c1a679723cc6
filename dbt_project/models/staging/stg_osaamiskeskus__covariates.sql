with clients as (

    select * from {{ source('landing', 'osaamiskeskus__clients') }}

),

latest as (

    {{ latest_rows('clients', ['client_key'], 'ended_on') }}

),

final as (

    {{ covariate_rows('latest', covariates_of('osaamiskeskus__clients')) }}

)

select * from final
