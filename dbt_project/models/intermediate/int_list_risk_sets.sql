{#- What is known of the two years before: counts of observed months by main activity. -#}
{%- set history = {
    'months_unemployed_24_before': ['unemployed'],
    'months_employed_24_before': ['employed'],
    'months_in_service_24_before': ['in_service'],
    'months_studying_24_before': ['general_education', 'vocational_education', 'higher_education']
} -%}

with study as (

    select * from {{ ref('stg_reference__study') }}
    where risk_set_states is not null

),

coverage as (

    select * from {{ ref('stg_reference__coverage') }}

),

eligible as (

    select * from {{ ref('int_find_eligible_persons') }}

),

entries as (

    select * from {{ ref('int_assign_entry_months') }}
    where group_code = 'client'

),

person_months as (

    select * from {{ ref('person_month') }}
    where {{ in_all_shards('shard') }}

),

persons as (

    select * from {{ ref('person') }}

),

service_opening as (

    select {{ month_index('min(coverage.observed_from_on)') }} as opened_index
    from coverage
    inner join study
        on coverage.register = study.client_register

),

-- Only months before the compared one count: what the entry may have changed is an outcome.
histories as (

    select
        person_months.person_key,
        person_months.month_index,
        person_months.state_code,
        person_months.is_at_risk,
        lag(person_months.state_code) over (
            partition by person_months.person_key order by person_months.month_index nulls last
        ) as earlier_state_code,
        {% for column, states in history.items() %}
        {{ months_in(states, 24) }} as {{ column }},
        {% endfor %}
        person_months.month_index - service_opening.opened_index as months_since_opening
    from person_months
    cross join service_opening
    where person_months.month_index >= service_opening.opened_index - 24

),

final as (

    select
        histories.person_key,
        histories.month_index,
        coalesce(entries.entry_month_index = histories.month_index, false) as is_entry,
        entries.entry_month_index as own_entry_month_index,
        persons.sex_code,
        persons.residence_ground_code,
        histories.earlier_state_code,
        cast(histories.month_index - {{ month_index('persons.birth_month') }} as integer) as age_months,
        {% for column in history %}
        cast(histories.{{ column }} as integer) as {{ column }},
        {% endfor %}
        cast(histories.month_index - {{ month_index('persons.first_immigration_on') }} as integer)
            as months_since_arrival
    from histories
    cross join study
    inner join eligible
        on
            histories.person_key = eligible.person_key
            and histories.month_index between eligible.first_month_index and eligible.last_month_index
    inner join persons
        on histories.person_key = persons.person_key
    left join entries
        on histories.person_key = entries.person_key
    where
        histories.is_at_risk
        and histories.months_since_opening >= 0
        and (entries.entry_month_index is null or histories.month_index <= entries.entry_month_index)
        and concat(' ', study.risk_set_states, ' ') like concat('% ', histories.state_code, ' %')

)

select * from final
