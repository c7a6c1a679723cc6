with exits as (

    select * from {{ source('landing', 'osaamiskeskus__exits') }}

),

clients as (

    select * from {{ ref('stg_osaamiskeskus__clients') }}

),

codes as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'osaamiskeskus' and list_name = 'exit'

),

latest as (

    {{ latest_rows('exits', ['client_key', 'exited_on', 'exit_code']) }}

),

final as (

    select
        'osaamiskeskus' as register,
        clients.person_key,
        latest.exited_on,
        latest.exit_code,
        codes.group_code as exit_group_code
    from latest
    inner join clients
        on latest.client_key = clients.client_key
    inner join codes
        on
            latest.exit_code = codes.code
            and {{ valid_on('codes', 'latest.exited_on') }}
    where clients.person_key is not null

)

select * from final
