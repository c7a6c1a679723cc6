with subgroups as (

    select * from {{ source('landing', 'reference__subgroups') }}

),

final as (

    select
        stratum_code,
        first_code,
        second_code
    from subgroups

)

select * from final
