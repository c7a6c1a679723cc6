{#- A path of fewer persons than the threshold is named nowhere, whatever the release profile asks for: its name alone
    would tell of them. -#}

with spells as (

    select * from {{ ref('int_build_sequence_spells') }}

),

study as (

    select * from {{ ref('stg_reference__study') }}

),

sequences as (

    select
        person_key,
        group_code,
        {{ join_in_order('state_code', 'spell_number') }} as sequence_code,
        min(weight) as weight
    from spells
    group by person_key, group_code

),

distinct_sequences as (

    select
        group_code,
        sequence_code,
        count(*) as persons,
        sum(weight) as weight
    from sequences
    group by group_code, sequence_code

),

named as (

    select sequence_code
    from distinct_sequences
    group by sequence_code
    having max(persons) >= {{ strictest_threshold() }}

),

cells as (

    select
        distinct_sequences.group_code,
        coalesce(named.sequence_code, 'rarer_sequences') as sequence_code,
        sum(distinct_sequences.persons) as persons,
        sum(distinct_sequences.weight) as weight
    from distinct_sequences
    left join named
        on distinct_sequences.sequence_code = named.sequence_code
    group by distinct_sequences.group_code, coalesce(named.sequence_code, 'rarer_sequences')

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
