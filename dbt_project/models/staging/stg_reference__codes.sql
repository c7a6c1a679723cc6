with codes as (

    select * from {{ source('landing', 'reference__codes') }}

),

final as (

    select
        register,
        list_name,
        code,
        valid_from_on,
        {{ half_open('valid_until_on') }} as valid_to_on,
        label_en,
        label_fi,
        label_sv,
        state_code,
        group_code,
        channel_code,
        covered_from_on,
        is_household
    from codes

)

select * from final
