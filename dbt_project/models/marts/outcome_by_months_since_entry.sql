with outcomes as (

    select * from {{ ref('person_outcome') }}

),

cohort as (

    select * from {{ ref('cohort') }}

),

study as (

    select * from {{ ref('stg_reference__study') }}

),

-- One pass over the persons; the outcomes become rows afterwards.
wide as (

    select
        {% for outcome in outcome_flags() %}
        count({{ outcome_column(outcome) }}) as {{ outcome }}_observed,
        sum(case when {{ outcome_column(outcome) }} then 1 else 0 end) as {{ outcome }}_persons,
        {% endfor %}
        {% for channel in service_channels() %}
        sum(case when (observed_service_bits & {{ 2 ** loop.index0 }}) > 0 then 1 else 0 end) as {{ channel }}_observed,
        sum(case when (service_bits & {{ 2 ** loop.index0 }}) > 0 then 1 else 0 end) as {{ channel }}_persons,
        {% endfor %}
        {% for code in benefit_groups() %}
        count(benefit_{{ code }}_eur) as {{ code }}_observed,
        sum(case when benefit_{{ code }}_eur > 0 then 1 else 0 end) as {{ code }}_persons,
        sum(benefit_{{ code }}_eur) as {{ code }}_total_eur,
        {% endfor %}
        count(earnings_2024_eur) as earnings_observed,
        sum(case when earnings_2024_eur > 0 then 1 else 0 end) as earnings_persons,
        sum(earnings_2024_eur) as earnings_total_eur,
        group_code,
        months_since_entry
    from outcomes
    group by group_code, months_since_entry

),

long as (

    {% for outcome in outcome_flags() %}
    select
        group_code,
        months_since_entry,
        '{{ outcome }}' as outcome_code,
        {{ outcome }}_observed as persons_observed,
        {{ outcome }}_persons as persons_with_outcome,
        cast(null as decimal(18, 2)) as total_eur
    from wide
    union all
    {% endfor %}
    {% for channel in service_channels() %}
    select
        group_code,
        months_since_entry,
        'service_{{ channel }}' as outcome_code,
        {{ channel }}_observed as persons_observed,
        {{ channel }}_persons as persons_with_outcome,
        cast(null as decimal(18, 2)) as total_eur
    from wide
    union all
    {% endfor %}
    {% for code in benefit_groups() %}
    select
        group_code,
        months_since_entry,
        'benefit_{{ code }}' as outcome_code,
        {{ code }}_observed as persons_observed,
        {{ code }}_persons as persons_with_outcome,
        cast({{ code }}_total_eur as decimal(18, 2)) as total_eur
    from wide
    union all
    {% endfor %}
    select
        group_code,
        months_since_entry,
        'earnings' as outcome_code,
        earnings_observed as persons_observed,
        earnings_persons as persons_with_outcome,
        cast(earnings_total_eur as decimal(18, 2)) as total_eur
    from wide

),

offsets as (

    select {{ explode_range('-months_before', 'months_after') }} as months_since_entry
    from study

),

study_groups as (

    select distinct group_code from cohort

),

outcome_codes as (

    select outcome_code from {{ ref('stg_reference__outcomes') }}
    where table_name = 'outcome_by_months_since_entry'

),

grid as (

    select
        study_groups.group_code,
        cast(offsets.months_since_entry as integer) as months_since_entry,
        outcome_codes.outcome_code
    from offsets
    cross join study_groups
    cross join outcome_codes

),

-- Where nobody was observed there is no count: a zero would say that nobody had the outcome.
final as (

    select
        grid.group_code,
        grid.months_since_entry,
        grid.outcome_code,
        cast(coalesce(long.persons_observed, 0) as bigint) as persons_observed,
        cast(case when long.persons_observed > 0 then long.persons_with_outcome end as bigint) as persons_with_outcome,
        {{ ratio('long.persons_with_outcome', 'long.persons_observed') }} as share,
        {{ mean_eur('long.total_eur', 'long.persons_observed') }} as mean_amount_eur
    from grid
    left join long
        on
            grid.group_code = long.group_code
            and grid.months_since_entry = long.months_since_entry
            and grid.outcome_code = long.outcome_code

)

select * from final
