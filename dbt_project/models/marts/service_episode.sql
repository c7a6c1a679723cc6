with episodes as (

    select * from {{ ref('int_merge_service_episodes') }}

),

persons as (

    select * from {{ ref('int_resolve_persons') }}

),

study as (

    select * from {{ ref('stg_reference__study') }}

),

-- No service goes on after death.
ended as (

    select
        episodes.person_key,
        episodes.channel_code,
        episodes.service_code,
        episodes.started_on,
        least(episodes.ended_on, {{ add_days('persons.died_on', 1) }}) as ended_on,
        study.window_end_on,
        episodes.merged_spells
    from episodes
    inner join persons
        on episodes.person_key = persons.person_key
    cross join study
    where episodes.started_on < study.window_end_on

),

final as (

    select
        person_key,
        channel_code,
        service_code,
        started_on,
        ended_on,
        {{ days_between('started_on', 'least(ended_on, window_end_on)') }} as duration_days,
        coalesce(ended_on <= window_end_on, false) as end_observed,
        merged_spells
    from ended
    where ended_on is null or started_on < ended_on

)

select * from final
