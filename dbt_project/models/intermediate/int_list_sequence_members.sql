{#- A path of fewer persons than the threshold is named nowhere, whatever the release profile asks for: its name alone
    would tell of them. -#}

with spells as (

    select * from {{ ref('int_build_sequence_spells') }}

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
        count(*) as persons
    from sequences
    group by group_code, sequence_code

),

named as (

    select sequence_code
    from distinct_sequences
    group by sequence_code
    having max(persons) >= {{ strictest_threshold() }}

),

final as (

    select
        sequences.group_code,
        coalesce(named.sequence_code, 'rarer_sequences') as sequence_code,
        sequences.person_key,
        sequences.weight
    from sequences
    left join named
        on sequences.sequence_code = named.sequence_code

)

select * from final
