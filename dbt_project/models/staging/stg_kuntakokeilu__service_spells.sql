with client_spells as (

    select * from {{ source('landing', 'kuntakokeilu__client_spells') }}

),

services as (

    select * from {{ source('landing', 'kuntakokeilu__services') }}

),

target_groups as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'kuntakokeilu' and list_name = 'target_group'

),

service_codes as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'kuntakokeilu' and list_name = 'service'

),

statuses as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'kuntakokeilu' and list_name = 'service_status'

),

gaps as (

    select
        table_name,
        gap_days
    from {{ ref('stg_reference__coverage') }}
    where register = 'kuntakokeilu'

),

latest_clients as (

    {{ latest_rows('client_spells', ['person_key', 'started_on'], 'ended_on') }}

),

latest_services as (

    {{ latest_rows('services', ['person_key', 'service_code', 'started_on'], 'ended_on') }}

),

-- Being a client is a service: that of a coach of one's own.
coached as (

    select
        latest_clients.person_key,
        target_groups.channel_code,
        target_groups.group_code as service_code,
        latest_clients.started_on,
        latest_clients.ended_on,
        'client_spells' as table_name,
        latest_clients.delivery_id,
        latest_clients.row_no
    from latest_clients
    inner join target_groups
        on
            latest_clients.target_group_code = target_groups.code
            and {{ valid_on('target_groups', 'latest_clients.started_on') }}

),

served as (

    select
        latest_services.person_key,
        service_codes.channel_code,
        latest_services.service_code,
        latest_services.started_on,
        latest_services.ended_on,
        'services' as table_name,
        latest_services.delivery_id,
        latest_services.row_no
    from latest_services
    inner join service_codes
        on
            latest_services.service_code = service_codes.code
            and {{ valid_on('service_codes', 'latest_services.started_on') }}
    left join statuses
        on
            latest_services.status_code = statuses.code
            and {{ valid_on('statuses', 'latest_services.started_on') }}
    where coalesce(statuses.group_code, 'used') = 'used'

),

united as (

    select * from coached
    union all
    select * from served

),

final as (

    select
        'kuntakokeilu' as register,
        united.person_key,
        united.channel_code,
        united.service_code,
        united.started_on,
        {{ half_open('united.ended_on') }} as ended_on,
        gaps.gap_days,
        united.delivery_id,
        united.row_no
    from united
    inner join gaps
        on united.table_name = gaps.table_name

)

select * from final
