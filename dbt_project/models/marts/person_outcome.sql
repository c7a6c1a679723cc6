with entrants as (

    select
        person_key,
        group_code,
        {{ month_index('entry_month') }} as entry_month_index,
        weight
    from {{ ref('cohort') }}

),

{{ outcomes_since_entry('entrants', 'study.months_before') }},

final as (

    select
        person_key,
        group_code,
        months_since_entry,
        month,
        employed,
        employed_status_code,
        employed_strictly,
        studying,
        studying_status_code,
        degree_started,
        degree_started_status_code,
        degree_completed,
        degree_completed_status_code,
        in_any_service,
        any_service_status_code,
        service_bits,
        observed_service_bits,
        earnings_eur,
        earnings_2024_eur,
        earnings_status_code,
        {% for code in benefit_groups() %}
        benefit_{{ code }}_eur,
        benefit_{{ code }}_status_code,
        {% endfor %}
        weight
    from measured

)

select * from final
