with spells as (

    select * from {{ source('landing', 'hyvinvointialue__client_spells') }}

),

codes as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'hyvinvointialue' and list_name = 'palvelu'

),

gap as (

    select gap_days from {{ ref('stg_reference__coverage') }}
    where register = 'hyvinvointialue' and table_name = 'client_spells'

),

latest as (

    {{ latest_rows('spells', ['person_key', 'service_code', 'started_on'], 'ended_on') }}

),

final as (

    select
        'hyvinvointialue' as register,
        latest.person_key,
        codes.channel_code,
        latest.service_code,
        latest.started_on,
        {{ half_open('latest.ended_on') }} as ended_on,
        gap.gap_days,
        latest.delivery_id,
        latest.row_no
    from latest
    cross join gap
    inner join codes
        on
            latest.service_code = codes.code
            and {{ valid_on('codes', 'latest.started_on') }}

)

select * from final
