with cohort as (

    select * from {{ ref('cohort') }}

),

sequences as (

    select person_key from {{ ref('int_build_sequence_spells') }}
    where spell_number = 1

),

final as (

    select
        cohort.group_code,
        cohort.person_key,
        sequences.person_key is not null as is_counted
    from cohort
    left join sequences
        on cohort.person_key = sequences.person_key

)

select * from final
