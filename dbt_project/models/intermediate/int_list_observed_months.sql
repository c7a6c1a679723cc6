{%- set feeds = {
    'activity': activity_models() + income_models() + earning_models(),
    'service': service_models(),
    'earnings': income_models() + earning_models(),
    'monthly_earnings': earning_models(),
    'benefit': benefit_models(),
    'degree': degree_models()
} -%}
{%- set kinds = ['activity', 'work', 'studies', 'service', 'earnings', 'degree'] -%}

with study as (

    select * from {{ ref('stg_reference__study') }}

),

coverage as (

    select * from {{ ref('int_list_coverage_months') }}
    where is_received

),

codes as (

    select * from {{ ref('stg_reference__codes') }}

),

states as (

    select * from {{ ref('states') }}

),

channels as (

    select * from {{ ref('service_channels') }}

),

-- Which landed tables tell of which kind of event. Incomes count for the activity too: whoever is in no other
-- register may still have worked.
feeds as (

    {{ feeding_tables(feeds) }}

),

-- Of work, of studies, of a channel and of a group of benefits tell the registers that have a code for it.
code_kinds as (

    select
        'activity' as feed_code,
        codes.register,
        case when codes.state_code = 'employed' then 'work' else 'studies' end as kind_code,
        codes.covered_from_on
    from codes
    inner join states
        on codes.state_code = states.state_code
    where codes.state_code = 'employed' or states.is_studying
    union all
    select
        'service' as feed_code,
        codes.register,
        concat('channel_', codes.channel_code) as kind_code,
        codes.covered_from_on
    from codes
    where codes.channel_code is not null
    union all
    select
        'benefit' as feed_code,
        codes.register,
        concat('benefit_', codes.group_code) as kind_code,
        codes.covered_from_on
    from codes
    where
        false
        {% for group in benefit_groups() %}
        or codes.group_code = '{{ group }}'
        {% endfor %}
    union all
    select
        'earnings' as feed_code,
        feeds.register,
        'work' as kind_code,
        cast(null as date) as covered_from_on
    from feeds
    where feeds.kind_code = 'earnings'

),

-- A register may be complete for one of the codes only later than for its table.
told as (

    select
        kind_code,
        register,
        table_name,
        0 as covered_first_index
    from feeds
    union all
    select
        code_kinds.kind_code,
        feeds.register,
        feeds.table_name,
        max(coalesce({{ month_index('code_kinds.covered_from_on') }}, 0)) as covered_first_index
    from feeds
    inner join code_kinds
        on
            feeds.kind_code = code_kinds.feed_code
            and feeds.register = code_kinds.register
    group by code_kinds.kind_code, feeds.register, feeds.table_name

),

table_months as (

    select
        coverage.month_index,
        told.kind_code,
        coverage.chain_code,
        case
            when coverage.status_code = 'nothing_to_record' then coverage.status_code
            when coverage.month_index < told.covered_first_index then 'not_covered'
            else coverage.status_code
        end as status_code
    from coverage
    inner join told
        on
            coverage.register = told.register
            and coverage.table_name = told.table_name

),

-- Of the registers that followed each other, or stand in for each other, one that covers the month is enough. Where
-- none of them has anything to record, it is known that there was nothing; else those that have decide.
chains as (

    select
        month_index,
        kind_code,
        chain_code,
        coalesce(
            min(
                case status_code
                    {% for status in coverage_statuses() %}
                    when '{{ status }}' then {{ loop.index }}
                    {% endfor %}
                end
            ),
            1
        ) as status_rank
    from table_months
    group by month_index, kind_code, chain_code

),

-- What a register that has come cannot say, nobody else says in its place: the worst status stands.
ranked as (

    select
        month_index,
        kind_code,
        max(status_rank) as status_rank
    from chains
    group by month_index, kind_code

),

stated as (

    select
        ranked.month_index,
        ranked.kind_code,
        case ranked.status_rank
            {% for status in coverage_statuses() %}
            when {{ loop.index }} then '{{ status }}'
            {% endfor %}
        end as status_code,
        coalesce(cast(channels.channel_bit as bigint), 0) as channel_bit,
        coalesce(
            channels.channel_code in (
                select codes.channel_code
                from codes
                inner join study
                    on codes.register = study.client_register
            ),
            false
        ) as is_of_clients
    from ranked
    left join channels
        on ranked.kind_code = concat('channel_', channels.channel_code)

),

months as (

    select {{ explode_range('first_month_index', 'last_month_index') }} as month_index
    from study

),

final as (

    select
        cast(months.month_index as integer) as month_index,
        {% for kind in kinds %}
        coalesce(max(case when stated.kind_code = '{{ kind }}' then stated.status_code end), 'not_received')
            as {{ kind }}_status_code,
        {% endfor %}
        {% for group in benefit_groups() %}
        coalesce(max(case when stated.kind_code = 'benefit_{{ group }}' then stated.status_code end), 'not_received')
            as benefit_{{ group }}_status_code,
        {% endfor %}
        coalesce(max(case when stated.kind_code = 'monthly_earnings' then stated.status_code end) = 'observed', false)
            as has_monthly_earnings,
        cast(coalesce(bit_or(stated.channel_bit), 0) as bigint) as received_service_bits,
        cast(coalesce(bit_or(case when stated.status_code = 'observed' then stated.channel_bit end), 0) as bigint)
            as observed_service_bits,
        cast(coalesce(bit_or(
            case when stated.status_code = 'purged' and stated.is_of_clients then stated.channel_bit end
        ), 0) as bigint) as purged_client_bits
    from months
    left join stated
        on months.month_index = stated.month_index
    group by months.month_index

)

select * from final
