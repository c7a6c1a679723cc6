with events as (

    select * from {{ ref('int_union_residence_events') }}

),

-- On one day an arrival comes before a move, a move before a departure.
ordered as (

    select
        person_key,
        event_code,
        event_on,
        from_municipality_code,
        municipality_code,
        case event_code when 'immigration' then 1 when 'move' then 2 else 3 end as event_order
    from events

),

numbered as (

    select
        *,
        row_number() over (
            partition by person_key
            order by event_on nulls last, event_order nulls last, municipality_code nulls last
        ) as event_no,
        lead(event_on) over (
            partition by person_key
            order by event_on nulls last, event_order nulls last, municipality_code nulls last
        ) as next_event_on
    from ordered

),

-- Who first immigrates was not in Finland before; whose first event is another kind lived where it left.
before_first as (

    select
        person_key,
        case event_code when 'immigration' then 'out_of_study' else 'resident' end as residence_code,
        from_municipality_code as municipality_code,
        cast(null as date) as started_on,
        event_on as ended_on
    from numbered
    where event_no = 1

),

from_each as (

    select
        person_key,
        case event_code when 'emigration' then 'emigrated' else 'resident' end as residence_code,
        municipality_code,
        event_on as started_on,
        next_event_on as ended_on
    from numbered
    where next_event_on is null or next_event_on > event_on

),

final as (

    select * from before_first
    union all
    select * from from_each

)

select * from final
