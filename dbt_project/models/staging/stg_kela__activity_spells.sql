with spells as (

    select * from {{ source('landing', 'kela__benefit_spells') }}

),

codes as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'kela' and list_name = 'etuus'

),

granting as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'kela' and list_name = 'ratkaisutyyppi' and group_code = 'granted'

),

latest as (

    {{ latest_rows('spells', ['person_key', 'benefit_code', 'started_on', 'decided_on'], 'ended_on') }}

),

-- Only what was granted was received, not what was refused or ended.
final as (

    select
        latest.person_key,
        codes.state_code,
        'kela' as evidence_code,
        latest.started_on,
        {{ half_open('latest.ended_on') }} as ended_on,
        latest.delivery_id,
        latest.row_no
    from latest
    inner join codes
        on
            latest.benefit_code = codes.code
            and {{ valid_on('codes', 'latest.started_on') }}
    inner join granting
        on latest.decision_type_code = granting.code
    where codes.state_code is not null

)

select * from final
