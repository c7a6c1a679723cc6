with participations as (

    select * from {{ source('landing', 'ely_keha__participations') }}

),

codes as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'ely_keha' and list_name = 'training'

),

statuses as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'ely_keha' and list_name = 'service_status'

),

gap as (

    select gap_days from {{ ref('stg_reference__coverage') }}
    where register = 'ely_keha' and table_name = 'participations'

),

latest as (

    {{ latest_rows('participations', ['person_key', 'contract_key', 'started_on'], 'ended_on') }}

),

final as (

    select
        'ely_keha' as register,
        latest.person_key,
        codes.channel_code,
        codes.group_code as service_code,
        latest.started_on,
        {{ half_open('latest.ended_on') }} as ended_on,
        gap.gap_days,
        latest.delivery_id,
        latest.row_no
    from latest
    cross join gap
    inner join codes
        on
            latest.training_code = codes.code
            and {{ valid_on('codes', 'latest.started_on') }}
    left join statuses
        on
            latest.status_code = statuses.code
            and {{ valid_on('statuses', 'latest.started_on') }}
    where coalesce(statuses.group_code, 'used') = 'used'

)

select * from final
