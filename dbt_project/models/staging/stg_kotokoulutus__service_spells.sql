with attendances as (

    select * from {{ source('landing', 'kotokoulutus__attendances') }}

),

participants as (

    select * from {{ source('landing', 'kotokoulutus__participants') }}

),

codes as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'kotokoulutus' and list_name = 'service'

),

gap as (

    select gap_days from {{ ref('stg_reference__coverage') }}
    where register = 'kotokoulutus' and table_name = 'attendances'

),

latest as (

    {{ latest_rows('attendances', ['client_key', 'service_code', 'attended_month']) }}

),

latest_participants as (

    {{ latest_rows('participants', ['client_key']) }}

),

-- Lists tell hours by month and no days: a month with hours is a spell of that month, one without is none.
final as (

    select
        'kotokoulutus' as register,
        latest_participants.person_key,
        codes.channel_code,
        codes.group_code as service_code,
        latest.attended_month as started_on,
        {{ month_start(month_index('latest.attended_month') ~ ' + 1') }} as ended_on,
        gap.gap_days,
        latest.delivery_id,
        latest.row_no
    from latest
    inner join latest_participants
        on latest.client_key = latest_participants.client_key
    cross join gap
    inner join codes
        on
            latest.service_code = codes.code
            and {{ valid_on('codes', 'latest.attended_month') }}
    where
        latest_participants.person_key is not null
        and latest.hours_attended > 0

)

select * from final
