with members as (

    select * from {{ ref('int_list_sequence_members') }}

),

study as (

    select * from {{ ref('stg_reference__study') }}

),

cells as (

    select
        group_code,
        sequence_code,
        count(*) as persons,
        sum(weight) as weight
    from members
    group by group_code, sequence_code

),

totals as (

    select
        group_code,
        sum(persons) as persons,
        sum(weight) as weight
    from cells
    group by group_code

),

occurring as (

    select distinct sequence_code from cells

),

final as (

    select
        totals.group_code,
        occurring.sequence_code,
        study.rule_set_code,
        study.month_rule_code,
        cast(study.months_after + 1 as integer) as window_months,
        cast(coalesce(cells.persons, 0) as bigint) as persons,
        {{ ratio('coalesce(cells.persons, 0)', 'totals.persons') }} as share,
        {{ ratio('coalesce(cells.weight, 0)', 'totals.weight') }} as weighted_share
    from totals
    cross join occurring
    cross join study
    left join cells
        on
            totals.group_code = cells.group_code
            and occurring.sequence_code = cells.sequence_code

)

select * from final
