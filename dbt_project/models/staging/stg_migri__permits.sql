with permits as (

    select * from {{ source('landing', 'migri__permits') }}

),

grounds as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'migri' and list_name = 'processing_grounds'

),

-- An open permit is delivered again when it ends, with the same ground and start.
latest as (

    {{ latest_rows('permits', ['person_key', 'ground_code', 'started_on'], 'ended_on') }}

),

final as (

    select
        latest.person_key,
        grounds.group_code as ground_code,
        latest.started_on,
        {{ half_open('latest.ended_on') }} as ended_on,
        latest.delivery_id,
        latest.row_no
    from latest
    inner join grounds
        on
            latest.ground_code = grounds.code
            and {{ valid_on('grounds', 'latest.started_on') }}

)

select * from final
