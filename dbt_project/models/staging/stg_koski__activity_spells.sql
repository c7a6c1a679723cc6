with periods as (

    select * from {{ source('landing', 'koski__study_periods') }}

),

rights as (

    select * from {{ source('landing', 'koski__study_rights') }}

),

codes as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'koski' and list_name = 'koulutusmuoto'

),

latest as (

    {{ latest_rows('periods', ['person_key', 'study_right_key', 'education_form_code', 'started_on'], 'ended_on') }}

),

latest_rights as (

    {{ latest_rows('rights', ['study_right_key'], 'ended_on') }}

),

-- A voided right was recorded by mistake, and a course of one day is nobody's main activity.
no_studies as (

    select study_right_key from latest_rights
    where last_state_code = 'mitatoity' or started_on = ended_on

),

-- Studying is being present or on a holiday of the school; a delivery without the period's state
-- lists only periods of presence.
final as (

    select
        latest.person_key,
        codes.state_code,
        'koski' as evidence_code,
        latest.started_on,
        {{ half_open('latest.ended_on') }} as ended_on,
        latest.delivery_id,
        latest.row_no
    from latest
    inner join codes
        on
            latest.education_form_code = codes.code
            and {{ valid_on('codes', 'latest.started_on') }}
    left join no_studies
        on latest.study_right_key = no_studies.study_right_key
    where
        codes.state_code is not null
        and no_studies.study_right_key is null
        and coalesce(latest.period_state_code, 'lasna') in ('lasna', 'loma')

)

select * from final
