{#- A count closer to all persons than the threshold would tell how few were never in the state. -#}

with spells as (

    select * from {{ ref('int_build_sequence_spells') }}

),

cohort as (

    select * from {{ ref('cohort') }}

),

study as (

    select * from {{ ref('stg_reference__study') }}

),

person_states as (

    select
        person_key,
        group_code,
        state_code,
        cast(sum(duration_months) as integer) as months,
        min(weight) as weight
    from spells
    group by person_key, group_code, state_code

),

cells as (

    select
        group_code,
        state_code,
        count(*) as persons,
        sum(months) as months,
        sum(months * months) as squared_months,
        sum(weight * months) as weighted_months,
        sum(weight * months * months) as weighted_squared_months
    from person_states
    group by group_code, state_code

),

totals as (

    select
        group_code,
        count(*) as persons,
        sum(weight) as weight,
        sum(weight * weight) as squared_weight
    from spells
    where spell_number = 1
    group by group_code

),

study_groups as (

    select distinct group_code from cohort

),

occurring as (

    select distinct state_code from cells

),

-- A group without a complete sequence has no figures; whoever was never in a state counts with zero months.
grid as (

    select
        study_groups.group_code,
        occurring.state_code,
        totals.persons,
        totals.weight,
        totals.squared_weight,
        case
            when totals.persons > 0
                then least(coalesce(cells.persons, 0), greatest(totals.persons - {{ strictest_threshold() }}, 0))
        end as persons_at_least,
        case when totals.persons > 0 then coalesce(cells.months, 0) end as months,
        coalesce(cells.squared_months, 0) as squared_months,
        coalesce(cells.weighted_months, 0) as weighted_months,
        coalesce(cells.weighted_squared_months, 0) as weighted_squared_months
    from study_groups
    cross join occurring
    left join totals
        on study_groups.group_code = totals.group_code
    left join cells
        on
            study_groups.group_code = cells.group_code
            and occurring.state_code = cells.state_code

),

final as (

    select
        grid.group_code,
        grid.state_code,
        study.rule_set_code,
        study.month_rule_code,
        cast(study.months_after + 1 as integer) as window_months,
        cast(grid.persons_at_least as bigint) as persons_at_least,
        cast(grid.months as bigint) as months,
        {{ mean_of('grid.months', 'grid.persons') }} as mean_months,
        {{ standard_error('grid.months', 'grid.squared_months', 'grid.persons', 'grid.persons') }}
            as standard_error_months,
        {{ mean_of('grid.weighted_months', 'grid.weight') }} as weighted_mean_months,
        {{ standard_error(
            'grid.weighted_months', 'grid.weighted_squared_months', 'grid.weight', 'grid.squared_weight'
        ) }} as weighted_standard_error_months
    from grid
    cross join study

)

select * from final
