{#- Two years before the entry, where nothing can be an effect. -#}
with entrants as (

    select distinct
        person_key,
        group_code,
        entry_month_index,
        1 as weight
    from {{ ref('int_match_risk_sets') }}

),

{{ outcomes_since_entry('entrants', 24) }},

risk_sets as (

    select * from {{ ref('int_list_risk_sets') }}

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

since_own_entry as (

    select
        measured.*,
        own_entries.own_entry_month_index,
        measured.entry_month_index + measured.months_since_entry as month_index,
        chances.log_staying
    from measured
    left join own_entries
        on
            measured.person_key = own_entries.person_key
            and measured.group_code = 'other'
    left join chances
        on
            measured.person_key = chances.person_key
            and measured.entry_month_index + measured.months_since_entry = chances.month_index

),

-- Where others leave the comparison when they enter, those like them who have not yet stand for them: the weight is one
-- over the chance of not having entered since.
final as (

    select
        person_key,
        group_code,
        entry_month_index,
        months_since_entry,
        case when month_index >= own_entry_month_index then month_index - own_entry_month_index end
            as months_since_own_entry,
        case
            when group_code = 'client' then 1
            else {{ one_over_staying(
                'sum(case when months_since_entry > 0 then log_staying end) over ('
                ~ 'partition by person_key, entry_month_index'
                ~ ' order by months_since_entry nulls last'
                ~ ' rows between unbounded preceding and current row)'
            ) }}
        end as staying_weight,
        {{ outcomes_as_numbers() }}
        month_index
    from since_own_entry

)

select * from final
