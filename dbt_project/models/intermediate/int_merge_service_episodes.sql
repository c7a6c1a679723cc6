with spells as (

    select * from {{ ref('int_union_service_spells') }}

),

final as (

    {{ merge_spells('spells', ['person_key', 'channel_code', 'service_code']) }}

)

select * from final
