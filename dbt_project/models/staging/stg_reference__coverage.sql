with coverage as (

    select * from {{ source('landing', 'reference__coverage') }}

),

final as (

    select
        register,
        table_name,
        chain_code,
        received_until_on is not null as is_received,
        exists_from_on,
        {{ half_open('exists_until_on') }} as exists_to_on,
        observed_from_on,
        received_from_on,
        {{ half_open('received_until_on') }} as received_to_on,
        {{ half_open('observed_until_on') }} as observed_to_on,
        purged_before_on,
        gap_days
    from coverage

)

select * from final
