with spells as (

    select * from {{ source('landing', 'ura__employment_spells') }}

),

codes as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'ura' and list_name = 'tyok1'

),

-- An open spell is delivered again when it ends, with the same code and start.
latest as (

    {{ latest_rows('spells', ['person_key', 'employment_code', 'started_on'], 'ended_on') }}

),

final as (

    select
        latest.person_key,
        codes.state_code,
        'ura' as evidence_code,
        latest.started_on,
        {{ half_open('latest.ended_on') }} as ended_on,
        latest.delivery_id,
        latest.row_no
    from latest
    inner join codes
        on
            latest.employment_code = codes.code
            and {{ valid_on('codes', 'latest.started_on') }}
    where codes.state_code is not null

)

select * from final
