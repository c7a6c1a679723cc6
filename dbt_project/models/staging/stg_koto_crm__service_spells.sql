with appointments as (

    select * from {{ source('landing', 'koto_crm__appointments') }}

),

clients as (

    select * from {{ source('landing', 'koto_crm__clients') }}

),

consents as (

    select * from {{ source('landing', 'koto_crm__consents') }}

),

codes as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'koto_crm' and list_name = 'appointment_kind'

),

outcomes as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'koto_crm' and list_name = 'appointment_outcome'

),

gap as (

    select gap_days from {{ ref('stg_reference__coverage') }}
    where register = 'koto_crm' and table_name = 'appointments'

),

latest as (

    {{ latest_rows('appointments', ['client_key', 'appointment_code', 'held_on']) }}

),

latest_clients as (

    {{ latest_rows('clients', ['client_key'], 'ended_on') }}

),

latest_consents as (

    {{ latest_rows('consents', ['client_key', 'consent_code', 'given_on'], 'withdrawn_on') }}

),

used as (

    select
        latest_clients.person_key,
        latest_clients.integration_ended_on,
        latest.client_key,
        codes.channel_code,
        latest.appointment_code,
        latest.held_on,
        latest.delivery_id,
        latest.row_no
    from latest
    inner join latest_clients
        on latest.client_key = latest_clients.client_key
    inner join codes
        on
            latest.appointment_code = codes.code
            and {{ valid_on('codes', 'latest.held_on') }}
    left join outcomes
        on
            latest.outcome_code = outcomes.code
            and {{ valid_on('outcomes', 'latest.held_on') }}
    where
        latest_clients.person_key is not null
        and coalesce(outcomes.group_code, 'used') = 'used'

),

-- After the integration period data are processed with the client's permission alone, and only while it stands.
permitted as (

    select *
    from used
    where
        integration_ended_on is null
        or held_on <= integration_ended_on
        or exists (
            select 1
            from latest_consents
            where
                latest_consents.client_key = used.client_key
                and latest_consents.consent_code = 'after_integration'
                and latest_consents.given_on <= used.held_on
                and (latest_consents.withdrawn_on is null or used.held_on < latest_consents.withdrawn_on)
        )

),

-- An appointment is a spell of one day.
final as (

    select
        'koto_crm' as register,
        permitted.person_key,
        permitted.channel_code,
        permitted.appointment_code as service_code,
        permitted.held_on as started_on,
        {{ half_open('permitted.held_on') }} as ended_on,
        gap.gap_days,
        permitted.delivery_id,
        permitted.row_no
    from permitted
    cross join gap

)

select * from final
