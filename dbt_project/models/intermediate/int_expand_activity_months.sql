with spells as (

    select * from {{ ref('int_collect_activity_spells') }}

),

expanded as (

    select
        person_key,
        shard,
        activity_rank,
        state_bit,
        {{ explode_range('first_month_index', 'last_month_index') }} as month_index
    from spells

),

final as (

    select
        person_key,
        shard,
        cast(month_index as integer) as month_index,
        min(activity_rank) as activity_rank,
        bit_or(state_bit) as state_bits
    from expanded
    group by person_key, shard, month_index

)

select * from final
