with rights as (

    select * from {{ source('landing', 'koski__study_rights') }}

),

forms as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'koski' and list_name = 'koulutusmuoto'

),

attainments as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'koski' and list_name = 'suorituksen_tyyppi'

),

states as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'koski' and list_name = 'tila'

),

latest as (

    {{ latest_rows('rights', ['study_right_key'], 'ended_on') }}

),

-- A degree is completed when its attainment is confirmed and the right ended in graduation. A confirmed syllabus of
-- general upper secondary education counts however the right ended: subject studies may follow it. What was bought
-- from another provider is a part of the buyer's degree, and a voided right is nothing.
final as (

    select
        'koski' as register,
        latest.person_key,
        forms.state_code as degree_level_code,
        latest.confirmed_on as completed_on
    from latest
    inner join forms
        on
            latest.education_form_code = forms.code
            and {{ valid_on('forms', 'latest.started_on') }}
    inner join attainments
        on latest.attainment_type_code = attainments.code
    inner join states
        on latest.last_state_code = states.code
    where
        latest.confirmed_on is not null
        and latest.part_of_key is null
        and attainments.group_code = 'degree'
        and forms.state_code is not null
        and (
            states.group_code = 'graduated'
            or (latest.attainment_type_code = 'lukionoppimaara' and states.group_code <> 'void')
        )

)

select * from final
