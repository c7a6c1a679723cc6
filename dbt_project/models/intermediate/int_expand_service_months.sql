with episodes as (

    select * from {{ ref('int_merge_service_episodes') }}

),

study as (

    select * from {{ ref('stg_reference__study') }}

),

channels as (

    select * from {{ ref('service_channels') }}

),

-- A service was used in every month that it touches, unlike a state, which is that of the last day.
bounded as (

    select
        episodes.person_key,
        cast(channels.channel_bit as bigint) as channel_bit,
        greatest({{ month_index('episodes.started_on') }}, study.first_month_index) as first_month_index,
        least(
            coalesce({{ month_index(add_days('episodes.ended_on', -1)) }}, study.last_month_index),
            study.last_month_index
        ) as last_month_index
    from episodes
    inner join channels
        on episodes.channel_code = channels.channel_code
    cross join study

),

expanded as (

    select
        person_key,
        {{ shard_of('person_key') }} as shard,
        channel_bit,
        {{ explode_range('first_month_index', 'last_month_index') }} as month_index
    from bounded
    where first_month_index <= last_month_index

),

final as (

    select
        person_key,
        shard,
        cast(month_index as integer) as month_index,
        bit_or(channel_bit) as service_bits
    from expanded
    group by person_key, shard, month_index

)

select * from final
