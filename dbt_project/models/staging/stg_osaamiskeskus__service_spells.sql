with services as (

    select * from {{ source('landing', 'osaamiskeskus__services') }}

),

clients as (

    select * from {{ ref('stg_osaamiskeskus__clients') }}

),

codes as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'osaamiskeskus' and list_name = 'service'

),

statuses as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'osaamiskeskus' and list_name = 'service_status'

),

gap as (

    select gap_days from {{ ref('stg_reference__coverage') }}
    where register = 'osaamiskeskus' and table_name = 'services'

),

latest as (

    {{ latest_rows('services', ['client_key', 'service_code', 'started_on', 'provider_code'], 'ended_on') }}

),

-- The services carry the centre's own client number; one person may have had several. A planned or
-- cancelled service was not used.
final as (

    select
        'osaamiskeskus' as register,
        clients.person_key,
        codes.channel_code,
        latest.service_code,
        latest.started_on,
        {{ half_open('latest.ended_on') }} as ended_on,
        gap.gap_days,
        latest.delivery_id,
        latest.row_no
    from latest
    inner join clients
        on latest.client_key = clients.client_key
    cross join gap
    inner join codes
        on
            latest.service_code = codes.code
            and {{ valid_on('codes', 'latest.started_on') }}
    left join statuses
        on
            latest.status_code = statuses.code
            and {{ valid_on('statuses', 'latest.started_on') }}
    where
        clients.person_key is not null
        and coalesce(statuses.group_code, 'used') = 'used'

)

select * from final
