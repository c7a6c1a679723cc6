with spells as (

    select * from {{ ref('int_build_sequence_spells') }}

),

final as (

    select distinct
        group_code,
        state_code,
        person_key
    from spells

)

select * from final
