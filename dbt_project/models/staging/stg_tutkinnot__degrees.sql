with degrees as (

    select * from {{ source('landing', 'tutkinnot__degrees') }}

),

kinds as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'tutkinnot' and list_name = 'tutklaja'

),

school_types as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'tutkinnot' and list_name = 'opty'

),

latest as (

    {{ latest_rows('degrees', ['person_key', 'completed_month', 'degree_no']) }}

),

-- The kind of education tells a vocational qualification; of other degrees the type of school tells which they are.
levelled as (

    select
        latest.person_key,
        coalesce(kinds.group_code, school_types.group_code) as degree_level_code,
        latest.completed_month as completed_on
    from latest
    inner join kinds
        on latest.degree_kind_code = kinds.code
    inner join school_types
        on latest.school_type_code = school_types.code
    where not latest.is_from_abroad

),

final as (

    select
        'tutkinnot' as register,
        person_key,
        degree_level_code,
        completed_on
    from levelled
    where degree_level_code is not null

)

select * from final
