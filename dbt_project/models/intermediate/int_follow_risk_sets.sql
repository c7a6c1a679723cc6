{#- Two years before the entry, where nothing can be an effect. -#}
with entrants as (

    select distinct
        person_key,
        group_code,
        entry_month_index,
        1 as weight
    from {{ ref('int_match_risk_sets') }}

),

{{ outcomes_since_entry('entrants', 24, with_degree_started=false) }},

risk_sets as (

    select * from {{ ref('int_list_risk_sets') }}
    where {{ in_all_shards(shard_of('person_key')) }}

),

scores as (

    select * from {{ ref('int_score_risk_sets') }}

),

chances as (

    select
        risk_sets.person_key,
        risk_sets.month_index,
        risk_sets.own_entry_month_index,
        {{ log_of_staying('scores.entry_chance') }} as log_staying
    from risk_sets
    left join scores
        on
            risk_sets.person_key = scores.person_key
            and risk_sets.month_index = scores.month_index

),

own_entries as (

    select distinct
        person_key,
        own_entry_month_index
    from chances
    where own_entry_month_index is not null

),

-- The chance of not having entered changes in the months at risk alone, and stays until the next.
stretches as (

    select
        person_key,
        month_index as first_month_index,
        coalesce(lead(month_index) over (partition by person_key order by month_index nulls last) - 1, 999999)
            as last_month_index,
        sum(log_staying) over (
            partition by person_key order by month_index nulls last
            rows between unbounded preceding and current row
        ) as log_staying
    from chances

),

since_own_entry as (

    select
        measured.*,
        case when measured.group_code = 'other' then own_entries.own_entry_month_index end as own_entry_month_index,
        measured.entry_month_index + measured.months_since_entry as month_index
    from measured
    left join own_entries
        on measured.person_key = own_entries.person_key

),

-- Where others leave the comparison when they enter, those like them who have not yet stand for them: the weight is one
-- over the chance of not having entered since.
final as (

    select
        since_own_entry.person_key,
        since_own_entry.group_code,
        since_own_entry.entry_month_index,
        since_own_entry.months_since_entry,
        case
            when since_own_entry.month_index >= since_own_entry.own_entry_month_index
                then since_own_entry.month_index - since_own_entry.own_entry_month_index
        end as months_since_own_entry,
        case
            when since_own_entry.group_code = 'client' or since_own_entry.months_since_entry <= 0 then 1
            else {{ one_over_staying('now.log_staying - entry.log_staying') }}
        end as staying_weight,
        {{ outcomes_as_numbers() }}
        since_own_entry.month_index,
        {{ shard_of('since_own_entry.person_key') }} as shard
    from since_own_entry
    left join stretches as entry
        on
            since_own_entry.person_key = entry.person_key
            and since_own_entry.entry_month_index = entry.first_month_index
    left join stretches as now
        on
            since_own_entry.person_key = now.person_key
            and since_own_entry.month_index between now.first_month_index and now.last_month_index

)

select * from final
