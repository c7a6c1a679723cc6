with outcomes as (

    select * from {{ ref('person_outcome') }}

),

outcome_codes as (

    select outcome_code from {{ ref('stg_reference__outcomes') }}
    where table_name = 'outcome_by_months_since_entry'

),

long as (

    {% for outcome in outcome_flags() %}
    select
        group_code,
        months_since_entry,
        '{{ outcome }}' as outcome_code,
        person_key,
        {{ outcome_column(outcome) }} as is_counted,
        cast(null as decimal(14, 2)) as amount_eur
    from outcomes
    where {{ outcome_column(outcome) }} is not null
    union all
    {% endfor %}
    {% for channel in service_channels() %}
    select
        group_code,
        months_since_entry,
        'service_{{ channel }}' as outcome_code,
        person_key,
        (service_bits & {{ 2 ** loop.index0 }}) > 0 as is_counted,
        cast(null as decimal(14, 2)) as amount_eur
    from outcomes
    where (observed_service_bits & {{ 2 ** loop.index0 }}) > 0
    union all
    {% endfor %}
    {% for code in benefit_groups() %}
    select
        group_code,
        months_since_entry,
        'benefit_{{ code }}' as outcome_code,
        person_key,
        benefit_{{ code }}_eur > 0 as is_counted,
        cast(benefit_{{ code }}_eur as decimal(14, 2)) as amount_eur
    from outcomes
    where benefit_{{ code }}_eur is not null
    union all
    {% endfor %}
    select
        group_code,
        months_since_entry,
        'earnings' as outcome_code,
        person_key,
        earnings_2024_eur > 0 as is_counted,
        cast(earnings_2024_eur as decimal(14, 2)) as amount_eur
    from outcomes
    where earnings_2024_eur is not null

),

final as (

    select
        long.group_code,
        long.months_since_entry,
        long.outcome_code,
        long.person_key,
        coalesce(long.is_counted, false) as is_counted,
        long.amount_eur
    from long
    inner join outcome_codes
        on long.outcome_code = outcome_codes.outcome_code

)

select * from final
