with followed as (

    select * from {{ ref('int_follow_risk_sets') }}

),

matched as (

    select * from {{ ref('int_match_risk_sets') }}
    where stratum_code = 'all'

),

final as (

    select
        matched.weight_60,
        followed.*
    from followed
    inner join matched
        on
            followed.shard = matched.shard
            and followed.person_key = matched.person_key
            and followed.entry_month_index = matched.entry_month_index

)

select * from final
