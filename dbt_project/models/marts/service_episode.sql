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
        episodes.merged_spells
    from episodes
    inner join persons
        on episodes.person_key = persons.person_key

),

final as (

    select
        ended.person_key,
        ended.channel_code,
        ended.service_code,
        ended.started_on,
        ended.ended_on,
        {{ days_between('ended.started_on', 'coalesce(least(ended.ended_on, study.window_end_on), study.window_end_on)') }}
            as duration_days,
        coalesce(ended.ended_on <= study.window_end_on, false) as end_observed,
        ended.merged_spells
    from ended
    cross join study
    where ended.started_on < study.window_end_on and (ended.ended_on is null or ended.started_on < ended.ended_on)

)

select * from final
