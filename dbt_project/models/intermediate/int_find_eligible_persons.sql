with study as (

    select * from {{ ref('stg_reference__study') }}

),

persons as (

    select * from {{ ref('int_resolve_persons') }}

),

residences as (

    select * from {{ ref('int_build_residence_spells') }}
    where residence_code = 'resident'

),

-- Months in which the person's age is within the study's limits, as far as the person lived.
of_age as (

    select
        persons.person_key,
        persons.is_client,
        greatest(
            study.first_month_index,
            coalesce(
                {{ month_index('persons.birth_month') }} + 12 * study.min_age_years,
                study.first_month_index
            )
        ) as first_month_index,
        least(
            study.last_month_index,
            coalesce(
                {{ month_index('persons.birth_month') }} + 12 * (study.max_age_years + 1) - 1,
                study.last_month_index
            ),
            coalesce({{ month_index('persons.died_on') }} - 1, study.last_month_index)
        ) as last_month_index
    from persons
    cross join study
    where
        (persons.has_foreign_background or not study.requires_foreign_background)
        and (
            persons.birth_month is not null
            or (study.min_age_years is null and study.max_age_years is null)
        )

),

resident as (

    select
        residences.person_key,
        coalesce({{ month_index('residences.started_on') }}, study.first_month_index) as first_month_index,
        coalesce({{ month_index('residences.ended_on') }} - 1, study.last_month_index) as last_month_index
    from residences
    inner join study
        on residences.municipality_code = study.municipality_code

),

-- A study without a municipality asks for no residence.
anywhere as (

    select
        of_age.person_key,
        of_age.is_client,
        of_age.first_month_index,
        of_age.last_month_index
    from of_age
    cross join study
    where study.municipality_code is null

),

in_municipality as (

    select
        of_age.person_key,
        of_age.is_client,
        greatest(of_age.first_month_index, resident.first_month_index) as first_month_index,
        least(of_age.last_month_index, resident.last_month_index) as last_month_index
    from of_age
    inner join resident
        on of_age.person_key = resident.person_key

),

eligible as (

    select * from anywhere
    union all
    select * from in_municipality

),

final as (

    select
        person_key,
        is_client,
        cast(first_month_index as integer) as first_month_index,
        cast(last_month_index as integer) as last_month_index
    from eligible
    where first_month_index <= last_month_index

)

select * from final
