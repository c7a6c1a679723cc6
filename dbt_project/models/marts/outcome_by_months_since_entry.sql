{%- set flags = {'employed': 'employed', 'studying': 'studying', 'any_service': 'in_any_service'} -%}
{%- set amounts = {'earnings': 'earnings_eur'} -%}
{%- for group in benefit_groups() -%}
    {%- do amounts.update({'benefit_' ~ group: 'benefit_' ~ group ~ '_eur'}) -%}
{%- endfor -%}

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
        group_code,
        months_since_entry,
        {% for outcome, column in flags.items() %}
        count({{ column }}) as {{ outcome }}_observed,
        sum(case when {{ column }} then 1 else 0 end) as {{ outcome }}_persons,
        {% endfor %}
        {% for outcome, column in amounts.items() %}
        count({{ column }}) as {{ outcome }}_observed,
        sum(case when {{ column }} > 0 then 1 else 0 end) as {{ outcome }}_persons,
        sum({{ column }}) as {{ outcome }}_eur{{ ',' if not loop.last }}
        {% endfor %}
    from outcomes
    group by group_code, months_since_entry

),

long as (

    {% for outcome in flags %}
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
    {% for outcome in amounts %}
    select
        group_code,
        months_since_entry,
        '{{ outcome }}' as outcome_code,
        {{ outcome }}_observed as persons_observed,
        {{ outcome }}_persons as persons_with_outcome,
        cast({{ outcome }}_eur as decimal(18, 2)) as total_eur
    from wide
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

offsets as (

    select {{ explode_range('-months_before', 'months_after') }} as months_since_entry
    from study

),

grid as (

    select
        study_groups.group_code,
        cast(offsets.months_since_entry as integer) as months_since_entry,
        outcome_codes.outcome_code
    from offsets
    cross join (select distinct group_code from cohort) as study_groups
    cross join (select distinct outcome_code from long) as outcome_codes

),

final as (

    select
        grid.group_code,
        grid.months_since_entry,
        grid.outcome_code,
        cast(coalesce(long.persons_observed, 0) as bigint) as persons_observed,
        cast(coalesce(long.persons_with_outcome, 0) as bigint) as persons_with_outcome,
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
