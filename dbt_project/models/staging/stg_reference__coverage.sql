with coverage as (

    select * from {{ source('landing', 'reference__coverage') }}

),

final as (

    select
        register,
        table_name,
        observed_from_on,
        {{ half_open('observed_until_on') }} as observed_to_on,
        gap_days
    from coverage

)

select * from final
