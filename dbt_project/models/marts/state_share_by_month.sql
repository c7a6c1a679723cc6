with person_months as (

    select * from {{ ref('person_month') }}
    where is_observed

),

cohort as (

    select * from {{ ref('cohort') }}

),

study_months as (

    select * from {{ ref('int_list_observed_months') }}

),

study as (

    select * from {{ ref('stg_reference__study') }}

),

cells as (

    select
        person_months.month_index,
        person_months.state_code,
        count(*) as persons,
        sum(cohort.weight) as weight
    from person_months
    inner join cohort
        on person_months.person_key = cohort.person_key
    group by person_months.month_index, person_months.state_code

),

totals as (

    select
        month_index,
        sum(persons) as persons,
        sum(weight) as weight
    from cells
    group by month_index

),

occurring as (

    select distinct state_code from cells

),

grid as (

    select
        study_months.month_index,
        occurring.state_code
    from study_months
    cross join occurring

),

-- In a month of which nobody is observed there is no count: a zero would say that nobody was in the state.
final as (

    select
        {{ month_start('grid.month_index') }} as month,
        grid.state_code,
        study.rule_set_code,
        study.month_rule_code,
        cast(case when totals.persons > 0 then coalesce(cells.persons, 0) end as bigint) as persons,
        {{ ratio('coalesce(cells.persons, 0)', 'totals.persons') }} as share,
        {{ ratio('coalesce(cells.weight, 0)', 'totals.weight') }} as weighted_share
    from grid
    cross join study
    left join cells
        on
            grid.month_index = cells.month_index
            and grid.state_code = cells.state_code
    left join totals
        on grid.month_index = totals.month_index

)

select * from final
