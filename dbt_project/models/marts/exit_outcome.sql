with members as (

    select * from {{ ref('int_list_exit_members') }}

),

outcomes as (

    {{ rows_of('outcome_code', ['employed', 'in_education', 'other', 'no_exit']) }}

),

bases as (

    select
        base_code,
        year,
        count(*) as persons_in_base
    from members
    group by base_code, year

),

cells as (

    select
        base_code,
        year,
        outcome_code,
        count(*) as persons_with_outcome
    from members
    group by base_code, year, outcome_code

),

-- Leavers have left, so `no_exit` is a row of the entrants alone.
final as (

    select
        bases.base_code,
        bases.year,
        outcomes.outcome_code,
        cast(bases.persons_in_base as bigint) as persons_in_base,
        cast(coalesce(cells.persons_with_outcome, 0) as bigint) as persons_with_outcome,
        {{ ratio('coalesce(cells.persons_with_outcome, 0)', 'bases.persons_in_base') }} as share
    from bases
    inner join outcomes
        on bases.base_code = 'entrants' or outcomes.outcome_code <> 'no_exit'
    left join cells
        on
            bases.base_code = cells.base_code
            and coalesce(bases.year, 0) = coalesce(cells.year, 0)
            and outcomes.outcome_code = cells.outcome_code

)

select * from final
