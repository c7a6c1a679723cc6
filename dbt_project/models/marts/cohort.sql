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

coverage as (

    select * from {{ ref('stg_reference__coverage') }}

),

service_opening as (

    select min(coverage.observed_from_on) as opened_on
    from coverage
    inner join study
        on coverage.register = study.client_register

),

bounded_stays as (

    select
        residences.person_key,
        residences.residence_code,
        residences.started_on,
        residences.ended_on,
        coalesce({{ month_index('residences.started_on') }}, 0) as first_month_index,
        coalesce({{ month_index('residences.ended_on') }} - 1, 999999) as last_month_index,
        residences.residence_code = 'resident'
        and coalesce(residences.municipality_code = study.municipality_code, study.municipality_code is null)
            as is_municipal
    from residences
    cross join study

),

-- In Finland and in the municipality, absences between included.
stays as (

    select
        person_key,
        min(case when residence_code = 'resident' then first_month_index end) as first_month_index,
        max(case when residence_code = 'resident' then last_month_index end) as last_month_index,
        min(case when is_municipal then first_month_index end) as municipal_first_index,
        max(case when is_municipal then last_month_index end) as municipal_last_index,
        min(case when is_municipal then coalesce(started_on, cast('1900-01-01' as date)) end) as municipal_since_on,
        max(case when residence_code = 'out_of_study' then ended_on end) as first_immigration_on
    from bounded_stays
    group by person_key

),

-- Age is counted in months: whoever turns 65 in a month is 65 at its end.
limits as (

    select
        entries.person_key,
        entries.group_code,
        entries.entry_month_index,
        entries.entry_kind_code,
        persons.weight,
        stays.person_key is not null as is_residence_known,
        stays.first_immigration_on,
        coalesce(stays.municipal_since_on < service_opening.opened_on, false) as lived_here_before_service,
        study.first_month_index as window_first_index,
        study.last_month_index as window_last_index,
        coalesce(stays.first_month_index, case when stays.person_key is null then 0 else 999999 end)
            as arrived_index,
        coalesce(stays.municipal_first_index, case when stays.person_key is null then 0 else 999999 end)
            as moved_in_index,
        coalesce({{ month_index('persons.birth_month') }} + 12 * study.min_age_years, 0) as of_age_index,
        coalesce(stays.last_month_index, 999999) as emigrated_index,
        coalesce(stays.municipal_last_index, 999999) as moved_out_index,
        coalesce({{ month_index('persons.died_on') }} - 1, 999999) as died_index,
        coalesce({{ month_index('persons.birth_month') }} + 12 * (study.max_age_years + 1) - 1, 999999)
            as too_old_index
    from entries
    inner join persons
        on entries.person_key = persons.person_key
    left join stays
        on entries.person_key = stays.person_key
    cross join study
    cross join service_opening

),

followed as (

    select
        *,
        greatest(window_first_index, arrived_index, of_age_index) as first_month_index,
        least(window_last_index, emigrated_index, died_index, too_old_index) as last_month_index
    from limits

),

municipal as (

    select
        *,
        greatest(first_month_index, moved_in_index) as municipal_first_index,
        least(last_month_index, moved_out_index) as municipal_last_index
    from followed

),

final as (

    select
        person_key,
        group_code,
        {{ month_start('entry_month_index') }} as entry_month,
        entry_kind_code,
        case when first_month_index <= last_month_index then {{ month_start('first_month_index') }} end
            as followed_from_month,
        case when first_month_index <= last_month_index then {{ month_start('last_month_index') }} end
            as followed_until_month,
        case
            when first_month_index > last_month_index then 'never_followed'
            when last_month_index = died_index then 'death'
            when last_month_index = emigrated_index then 'emigration'
            when last_month_index = too_old_index then 'age'
            else 'window_end'
        end as followed_until_code,
        case when municipal_first_index <= municipal_last_index then {{ month_start('municipal_first_index') }} end
            as municipal_from_month,
        case when municipal_first_index <= municipal_last_index then {{ month_start('municipal_last_index') }} end
            as municipal_until_month,
        case
            when municipal_first_index > municipal_last_index then 'never_followed'
            when municipal_last_index = died_index then 'death'
            when municipal_last_index = emigrated_index then 'emigration'
            when municipal_last_index = too_old_index then 'age'
            when municipal_last_index = moved_out_index then 'moved_out'
            else 'window_end'
        end as municipal_until_code,
        is_residence_known,
        coalesce(arrived_index < window_first_index and is_residence_known, false) as arrived_before_window,
        lived_here_before_service,
        {{ completed_months('first_immigration_on', add_days(month_start('entry_month_index + 1'), -1)) }}
            as months_since_arrival,
        weight
    from municipal

)

select * from final
