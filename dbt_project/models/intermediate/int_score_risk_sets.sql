with risk_sets as (

    select * from {{ ref('int_list_risk_sets') }}

),

-- All rows at once: the regression is over all of them.
scored as (

    {{ entry_chances('risk_sets') }}

),

final as (

    select
        person_key,
        month_index,
        entry_logit,
        entry_chance
    from scored

)

select * from final
