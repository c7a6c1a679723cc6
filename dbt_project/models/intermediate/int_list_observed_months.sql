{%- set kinds = {
    'activity': activity_models() + income_models(),
    'service': service_models(),
    'income': income_models(),
    'benefit': benefit_models()
} -%}

with study as (

    select * from {{ ref('stg_reference__study') }}

),

coverage as (

    select * from {{ ref('stg_reference__coverage') }}

),

-- A month is observed when its last day is.
register_coverage as (

    select
        register,
        max({{ month_index('observed_from_on') }}) as first_month_index,
        min({{ month_index('observed_to_on') }} - 1) as last_month_index
    from coverage
    group by register

),

-- Which registers tell of which kind of event. Annual incomes count for the activity too: whoever is
-- in no other register may still have worked.
kinds as (

    {% for kind, models in kinds.items() %}
    {% for model in models %}
    select '{{ kind }}' as kind_code, '{{ register_of(model) }}' as register
    {{ 'union all' if not loop.last }}
    {% endfor %}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

received as (

    select
        kinds.kind_code,
        register_coverage.first_month_index,
        register_coverage.last_month_index
    from kinds
    inner join register_coverage
        on kinds.register = register_coverage.register

),

months as (

    select {{ explode_range('first_month_index', 'last_month_index') }} as month_index
    from study

),

-- A kind is observed in a month when every received register that tells of it covers the month.
observed as (

    select
        months.month_index,
        received.kind_code
    from months
    cross join received
    group by months.month_index, received.kind_code
    having
        max(received.first_month_index) <= months.month_index
        and min(received.last_month_index) >= months.month_index

),

final as (

    select
        {% for kind in kinds %}
        count(case when observed.kind_code = '{{ kind }}' then 1 end) > 0 as is_{{ kind }}_observed,
        {% endfor %}
        cast(months.month_index as integer) as month_index
    from months
    left join observed
        on months.month_index = observed.month_index
    group by months.month_index

)

select * from final
