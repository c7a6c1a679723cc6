with breaks as (

    select * from {{ source('landing', 'reference__breaks') }}

),

final as (

    select
        register,
        broke_on,
        what
    from breaks

)

select * from final
