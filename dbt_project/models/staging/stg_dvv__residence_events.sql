with moves as (

    select * from {{ source('landing', 'dvv__moves') }}

),

latest as (

    {{ latest_rows('moves', ['person_key', 'moved_on', 'move_type_code', 'to_municipality_code']) }}

),

final as (

    select
        person_key,
        case move_type_code
            when '41' then 'immigration'
            when '42' then 'emigration'
            else 'move'
        end as event_code,
        moved_on as event_on,
        case when move_type_code <> '41' then from_municipality_code end as from_municipality_code,
        case when move_type_code <> '42' then to_municipality_code end as municipality_code
    from latest

)

select * from final
