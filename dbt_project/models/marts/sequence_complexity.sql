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
        state_code,
        count(*) as spells,
        sum(duration_months) as months,
        min(weight) as weight
    from spells
    group by person_key, state_code

),

occurring as (

    select distinct state_code from person_states

),

alphabet as (

    select count(*) as states from occurring

),

-- One row per complete sequence.
sequences as (

    select
        person_states.person_key,
        min(person_states.weight) as weight,
        cast(sum(person_states.spells) - 1 as integer) as transitions,
        sum({{ surprisal('person_states.months', 'study.months_after + 1') }}) as surprisals
    from person_states
    cross join study
    group by person_states.person_key

),

study_groups as (

    select
        cohort.group_code,
        count(*) as cohort_persons,
        count(sequences.person_key) as persons,
        sum(sequences.weight) as weight,
        sum(sequences.weight * sequences.weight) as squared_weight,
        sum(sequences.transitions) as transitions,
        sum(sequences.transitions * sequences.transitions) as squared_transitions,
        sum(sequences.weight * sequences.transitions) as weighted_transitions,
        sum(sequences.weight * sequences.transitions * sequences.transitions) as weighted_squared_transitions,
        sum(sequences.surprisals) as surprisals,
        sum(sequences.weight * sequences.surprisals) as weighted_surprisals
    from cohort
    left join sequences
        on cohort.person_key = sequences.person_key
    group by cohort.group_code

),

final as (

    select
        study_groups.group_code,
        study.rule_set_code,
        study.month_rule_code,
        cast(study.months_after + 1 as integer) as window_months,
        cast(study_groups.cohort_persons as bigint) as cohort_persons,
        cast(study_groups.persons as bigint) as persons,
        {{ mean_of('study_groups.transitions', 'study_groups.persons') }} as mean_transitions,
        {{ standard_error(
            'study_groups.transitions', 'study_groups.squared_transitions', 'study_groups.persons',
            'study_groups.persons'
        ) }} as standard_error_transitions,
        {{ mean_of('study_groups.weighted_transitions', 'study_groups.weight') }} as weighted_mean_transitions,
        {{ standard_error(
            'study_groups.weighted_transitions', 'study_groups.weighted_squared_transitions', 'study_groups.weight',
            'study_groups.squared_weight'
        ) }} as weighted_standard_error_transitions,
        {{ normalised_entropy('study_groups.surprisals', 'study_groups.persons', 'alphabet.states') }}
            as mean_entropy,
        {{ normalised_entropy('study_groups.weighted_surprisals', 'study_groups.weight', 'alphabet.states') }}
            as weighted_mean_entropy
    from study_groups
    cross join study
    cross join alphabet

)

select * from final
