{%- set unions = {
    'activity': ('int_union_activity_spells', 'started_on'),
    'benefit': ('int_union_benefit_months', 'benefit_month'),
    'client': ('int_union_clients', 'started_on'),
    'degree': ('int_union_degrees', 'completed_on'),
    'earning': ('int_union_earnings', 'earning_month'),
    'exit': ('int_union_exits', 'exited_on'),
    'permit': ('int_union_permits', 'started_on'),
    'plan': ('int_union_plans', 'made_on'),
    'residence': ('int_union_residence_events', 'event_on'),
    'service': ('int_union_service_spells', 'started_on')
} -%}
{%- set feeds = {
    'activity': activity_models(),
    'benefit': benefit_models(),
    'client': client_models(),
    'degree': degree_models(),
    'earning': earning_models(),
    'exit': exit_models(),
    'permit': permit_models(),
    'plan': plan_models(),
    'residence': residence_models(),
    'service': service_models(),
    'income': income_models()
} -%}

with coverage_months as (

    select * from {{ ref('int_list_coverage_months') }}

),

person_months as (

    select * from {{ ref('person_month') }}

),

incomes as (

    select * from {{ ref('int_union_incomes') }}

),

codes as (

    select * from {{ ref('stg_reference__codes') }}

),

channels as (

    select * from {{ ref('service_channels') }}

),

-- Registers of municipal services alone: only residents can be in them.
municipal_registers as (

    select codes.register
    from codes
    inner join channels
        on codes.channel_code = channels.channel_code
    group by codes.register
    having bool_and(channels.is_municipal)

),

eligible as (

    select
        month_index,
        sum(case when is_at_risk then 1 else 0 end) as persons,
        sum(case when is_at_risk and coalesce(is_resident, true) then 1 else 0 end) as residents
    from person_months
    group by month_index

),

-- Rows of the common timelines by the month in which they begin, those of a tax year by its first.
counted as (

    select
        'income' as kind_code,
        register,
        income_year * 12 as month_index,
        count(*) as rows_begun
    from incomes
    group by register, income_year
    {% for kind, (model, column) in unions.items() %}
    union all
    select
        '{{ kind }}' as kind_code,
        register,
        {{ month_index(column) }} as month_index,
        count(*) as rows_begun
    from {{ ref(model) }}
    group by register, {{ month_index(column) }}
    {% endfor %}

),

feeds as (

    {{ feeding_tables(feeds) }}

),

-- A table may feed several timelines; its rows are counted in the one that has most of them.
begun as (

    select
        feeds.register,
        feeds.table_name,
        counted.month_index,
        max(counted.rows_begun) as rows_begun
    from feeds
    inner join counted
        on
            feeds.kind_code = counted.kind_code
            and feeds.register = counted.register
    group by feeds.register, feeds.table_name, counted.month_index

),

feeding as (

    select
        register,
        table_name
    from feeds
    group by register, table_name

),

final as (

    select
        coverage_months.register,
        coverage_months.table_name,
        {{ month_start('coverage_months.month_index') }} as month,
        coverage_months.status_code,
        coverage_months.is_break,
        cast(
            case when municipal_registers.register is null then eligible.persons else eligible.residents end as bigint
        ) as persons_eligible,
        cast(case when feeding.register is not null then coalesce(begun.rows_begun, 0) end as bigint) as rows_begun
    from coverage_months
    left join eligible
        on coverage_months.month_index = eligible.month_index
    left join municipal_registers
        on coverage_months.register = municipal_registers.register
    left join feeding
        on
            coverage_months.register = feeding.register
            and coverage_months.table_name = feeding.table_name
    left join begun
        on
            coverage_months.register = begun.register
            and coverage_months.table_name = begun.table_name
            and coverage_months.month_index = begun.month_index

)

select * from final
