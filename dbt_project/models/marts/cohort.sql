with entries as (

    select * from {{ ref('int_assign_entry_months') }}

),

persons as (

    select * from {{ ref('int_resolve_persons') }}

),

residences as (

    select * from {{ ref('int_build_residence_spells') }}

),

study as (

    select * from {{ ref('stg_reference__study') }}

),

-- Follow-up in Finland, absences between included.
stays as (

    select
        person_key,
        min(coalesce({{ month_index('started_on') }}, 0)) as first_month_index,
        max(coalesce({{ month_index('ended_on') }} - 1, 999999)) as last_month_index
    from residences
    where residence_code = 'resident'
    group by person_key

),

followed as (

    select
        entries.person_key,
        entries.group_code,
        entries.entry_month_index,
        entries.entry_kind_code,
        greatest(study.first_month_index, coalesce(stays.first_month_index, 0)) as first_month_index,
        least(
            study.last_month_index,
            coalesce(stays.last_month_index, 999999),
            coalesce({{ month_index('persons.died_on') }} - 1, 999999)
        ) as last_month_index,
        persons.weight
    from entries
    inner join persons
        on entries.person_key = persons.person_key
    left join stays
        on entries.person_key = stays.person_key
    cross join study

),

final as (

    select
        person_key,
        group_code,
        {{ month_start('entry_month_index') }} as entry_month,
        entry_kind_code,
        case when first_month_index <= last_month_index then {{ month_start('first_month_index') }} end
            as observed_from_month,
        case when first_month_index <= last_month_index then {{ month_start('last_month_index') }} end
            as observed_until_month,
        weight
    from followed

)

select * from final
