{#- Two years before the entry, where nothing can be an effect. -#}
with entrants as (

    select
        person_key,
        group_code,
        entry_month_index,
        weight_60 as weight
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

-- Others leave the comparison when they enter themselves. Those like them who have not yet stand for them: the weight
-- is one over the chance of not having entered since.
final as (

    select
        measured.person_key,
        measured.group_code,
        measured.entry_month_index,
        measured.months_since_entry,
        measured.weight as weight_60,
        measured.group_code = 'client'
        or own_entries.own_entry_month_index is null
        or measured.entry_month_index + measured.months_since_entry < own_entries.own_entry_month_index
            as is_before_own_entry,
        case
            when measured.group_code = 'client' then 1
            else {{ one_over_staying(
                'sum(case when measured.months_since_entry > 0 then chances.log_staying end) over ('
                ~ 'partition by measured.person_key, measured.entry_month_index'
                ~ ' order by measured.months_since_entry nulls last'
                ~ ' rows between unbounded preceding and current row)'
            ) }}
        end as staying_weight,
        measured.employed,
        measured.studying,
        measured.degree_completed,
        measured.earnings_2024_eur,
        measured.benefit_unemployment_eur,
        measured.benefit_social_assistance_eur
    from measured
    left join own_entries
        on measured.person_key = own_entries.person_key
    left join chances
        on
            measured.person_key = chances.person_key
            and measured.entry_month_index + measured.months_since_entry = chances.month_index

)

select * from final
