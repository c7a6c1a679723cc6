with person_months as (

    select * from {{ ref('person_month') }}

),

paired as (

    select
        person_key,
        state_code as from_state_code,
        is_observed as from_is_observed,
        lead(state_code) over (partition by person_key order by month_index nulls last) as to_state_code,
        lead(is_observed) over (partition by person_key order by month_index nulls last) as to_is_observed
    from person_months

),

final as (

    select
        from_state_code,
        to_state_code,
        person_key,
        count(*) as transitions
    from paired
    where from_is_observed and to_is_observed
    group by from_state_code, to_state_code, person_key

)

select * from final
