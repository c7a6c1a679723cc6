with persons as (

    select * from {{ source('landing', 'dvv__persons') }}

),

latest as (

    {{ latest_rows('persons', ['person_key']) }}

),

final as (

    {{ covariate_rows('latest', covariates_of('dvv__persons')) }}

)

select * from final
