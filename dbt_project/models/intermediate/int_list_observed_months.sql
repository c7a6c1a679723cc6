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

codes as (

    select * from {{ ref('stg_reference__codes') }}

),

states as (

    select * from {{ ref('states') }}

),

-- Which landed tables tell of which kind of event. Annual incomes count for the activity too: whoever is
-- in no other register may still have worked.
feeds as (

    {% for kind, models in kinds.items() %}
    {% set last_kind = loop.last %}
    {% for model in models %}
    select
        '{{ kind }}' as kind_code,
        '{{ register_of(model) }}' as register,
        '{{ table_of(model) }}' as table_name
    {{ 'union all' if not (last_kind and loop.last) }}
    {% endfor %}
    {% endfor %}

),

-- Of work and studies tell those registers of activities that have a code for them; of work, incomes too.
kinds as (

    select * from feeds
    union all
    select
        'work' as kind_code,
        register,
        table_name
    from feeds
    where kind_code = 'income'
    union all
    select
        'work' as kind_code,
        register,
        table_name
    from feeds
    where
        kind_code = 'activity'
        and register in (
            select codes.register
            from codes
            where codes.state_code = 'employed'
        )
    union all
    select
        'studies' as kind_code,
        register,
        table_name
    from feeds
    where
        kind_code = 'activity'
        and register in (
            select codes.register
            from codes
            inner join states
                on codes.state_code = states.state_code
            where states.is_studying
        )

),

-- A month is observed when its last day is.
received as (

    select
        kinds.kind_code,
        {{ month_index('coverage.observed_from_on') }} as first_month_index,
        {{ month_index('coverage.observed_to_on') }} - 1 as last_month_index
    from kinds
    inner join coverage
        on
            kinds.register = coverage.register
            and kinds.table_name = coverage.table_name

),

months as (

    select {{ explode_range('first_month_index', 'last_month_index') }} as month_index
    from study

),

-- A kind is observed in a month when every received table that tells of it covers the month.
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
        {% for kind in kinds | list + ['work', 'studies'] %}
        count(case when observed.kind_code = '{{ kind }}' then 1 end) > 0 as is_{{ kind }}_observed,
        {% endfor %}
        cast(months.month_index as integer) as month_index
    from months
    left join observed
        on months.month_index = observed.month_index
    group by months.month_index

)

select * from final
