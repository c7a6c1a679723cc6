with spells as (

    select * from {{ ref('int_build_sequence_spells') }}

),

cohort as (

    select * from {{ ref('cohort') }}

),

study as (

    select * from {{ ref('stg_reference__study') }}

),

months as (

    select
        group_code,
        state_code,
        weight,
        {{ explode_range('first_months_since_entry', 'first_months_since_entry + duration_months - 1') }}
            as months_since_entry
    from spells

),

cells as (

    select
        group_code,
        months_since_entry,
        state_code,
        count(*) as persons,
        sum(weight) as weight
    from months
    group by group_code, months_since_entry, state_code

),

totals as (

    select
        group_code,
        months_since_entry,
        sum(persons) as persons,
        sum(persons) - max(persons) as persons_elsewhere,
        sum(weight) as weight
    from cells
    group by group_code, months_since_entry

),

occurring as (

    select distinct state_code from cells

),

alphabet as (

    select count(*) as states from occurring

),

entropies as (

    select
        totals.group_code,
        totals.months_since_entry,
        totals.persons,
        totals.persons_elsewhere,
        sum({{ surprisal('cells.persons', 'totals.persons') }}) as surprisals,
        sum({{ surprisal('cells.weight', 'totals.weight') }}) as weighted_surprisals
    from totals
    inner join cells
        on
            totals.group_code = cells.group_code
            and totals.months_since_entry = cells.months_since_entry
    group by totals.group_code, totals.months_since_entry, totals.persons, totals.persons_elsewhere

),

study_groups as (

    select distinct group_code from cohort

),

offsets as (

    select {{ explode_range('0', 'months_after') }} as months_since_entry
    from study

),

grid as (

    select
        study_groups.group_code,
        offsets.months_since_entry
    from study_groups
    cross join offsets

),

final as (

    select
        grid.group_code,
        cast(grid.months_since_entry as integer) as months_since_entry,
        study.rule_set_code,
        study.month_rule_code,
        cast(entropies.persons as bigint) as persons,
        cast(entropies.persons_elsewhere as bigint) as persons_elsewhere,
        {{ normalised_entropy('entropies.surprisals', '1', 'alphabet.states') }} as entropy,
        {{ normalised_entropy('entropies.weighted_surprisals', '1', 'alphabet.states') }} as weighted_entropy
    from grid
    cross join study
    cross join alphabet
    left join entropies
        on
            grid.group_code = entropies.group_code
            and grid.months_since_entry = entropies.months_since_entry

)

select * from final
