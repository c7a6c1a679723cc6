with outcomes as (

    select * from {{ source('landing', 'reference__outcomes') }}

),

final as (

    select
        outcome_code,
        definition_version,
        table_name
    from outcomes

)

select * from final
