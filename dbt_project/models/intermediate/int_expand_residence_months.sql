with residences as (

    select * from {{ ref('int_build_residence_spells') }}
    where residence_code = 'resident'

),

study as (

    select * from {{ ref('stg_reference__study') }}

),

bounded as (

    select
        residences.person_key,
        greatest(
            coalesce({{ month_index('residences.started_on') }}, study.first_month_index),
            study.first_month_index
        ) as first_month_index,
        least(
            coalesce({{ month_index('residences.ended_on') }} - 1, study.last_month_index),
            study.last_month_index
        ) as last_month_index
    from residences
    inner join study
        on residences.municipality_code = study.municipality_code

),

-- Spells of residence follow each other, so no month of a person comes twice.
expanded as (

    select
        person_key,
        {{ shard_of('person_key') }} as shard,
        {{ explode_range('first_month_index', 'last_month_index') }} as month_index
    from bounded
    where first_month_index <= last_month_index

),

final as (

    select
        person_key,
        shard,
        cast(month_index as integer) as month_index
    from expanded

)

select * from final
