with plans as (

    select * from {{ source('landing', 'koto_aj__plans') }}

),

clients as (

    select * from {{ source('landing', 'koto_aj__clients') }}

),

codes as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'koto_aj' and list_name = 'plan_kind'

),

latest as (

    {{ latest_rows('plans', ['client_key', 'plan_code', 'made_on'], 'ended_on') }}

),

latest_clients as (

    {{ latest_rows('clients', ['client_key'], 'ended_on') }}

),

final as (

    select
        'koto_aj' as register,
        latest_clients.person_key,
        codes.group_code as plan_kind_code,
        latest.made_on,
        coalesce(latest.started_on, latest.made_on) as started_on,
        {{ half_open('latest.ended_on') }} as ended_on
    from latest
    inner join latest_clients
        on latest.client_key = latest_clients.client_key
    inner join codes
        on
            latest.plan_code = codes.code
            and {{ valid_on('codes', 'latest.made_on') }}
    where latest_clients.person_key is not null

)

select * from final
