with members as (

    select * from {{ ref('int_list_transition_members') }}

),

cohort as (

    select * from {{ ref('cohort') }}

),

study as (

    select * from {{ ref('stg_reference__study') }}

),

cells as (

    select
        members.from_state_code,
        members.to_state_code,
        count(*) as persons,
        sum(members.transitions) as transitions,
        sum(members.transitions * cohort.weight) as weight
    from members
    inner join cohort
        on members.person_key = cohort.person_key
    group by members.from_state_code, members.to_state_code

),

totals as (

    select
        from_state_code,
        sum(transitions) as transitions,
        sum(weight) as weight
    from cells
    group by from_state_code

),

occurring as (

    select from_state_code as state_code from cells
    union
    select to_state_code as state_code from cells

),

grid as (

    select
        origins.state_code as from_state_code,
        destinations.state_code as to_state_code
    from occurring as origins
    cross join occurring as destinations

),

final as (

    select
        grid.from_state_code,
        grid.to_state_code,
        study.rule_set_code,
        study.month_rule_code,
        cast(coalesce(cells.persons, 0) as bigint) as persons,
        cast(coalesce(cells.transitions, 0) as bigint) as transitions,
        {{ ratio('coalesce(cells.transitions, 0)', 'totals.transitions') }} as rate,
        {{ ratio('coalesce(cells.weight, 0)', 'totals.weight') }} as weighted_rate
    from grid
    cross join study
    left join cells
        on
            grid.from_state_code = cells.from_state_code
            and grid.to_state_code = cells.to_state_code
    left join totals
        on grid.from_state_code = totals.from_state_code

)

select * from final
