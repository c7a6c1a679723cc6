with coverage as (

    select * from {{ ref('stg_reference__coverage') }}

),

breaks as (

    select * from {{ ref('stg_reference__breaks') }}

),

study as (

    select * from {{ ref('stg_reference__study') }}

),

months as (

    select {{ explode_range('first_month_index', 'last_month_index') }} as month_index
    from study

),

-- A month counts by its last day.
bounds as (

    select
        register,
        table_name,
        chain_code,
        is_received,
        coalesce({{ month_index('exists_from_on') }}, 0) as exists_first_index,
        coalesce({{ month_index('exists_to_on') }}, 999999) as ended_index,
        {{ month_index('observed_from_on') }} as covered_first_index,
        {{ month_index('received_from_on') }} as received_first_index,
        {{ month_index('received_to_on') }} - 1 as received_last_index,
        {{ month_index('observed_to_on') }} - 1 as mature_last_index,
        coalesce({{ month_index('purged_before_on') }}, 0) as kept_first_index
    from coverage

),

break_months as (

    select
        register,
        {{ month_index('broke_on') }} as month_index
    from breaks
    group by register, {{ month_index('broke_on') }}

),

final as (

    select
        bounds.register,
        bounds.table_name,
        bounds.chain_code,
        bounds.is_received,
        cast(months.month_index as integer) as month_index,
        case
            when
                months.month_index < bounds.exists_first_index or months.month_index >= bounds.ended_index
                then 'nothing_to_record'
            when months.month_index < bounds.covered_first_index then 'not_covered'
            when not bounds.is_received then 'not_received'
            when months.month_index < bounds.received_first_index then 'not_received'
            when months.month_index > bounds.received_last_index then 'not_received'
            when months.month_index > bounds.mature_last_index then 'immature'
            when months.month_index < bounds.kept_first_index then 'purged'
            else 'observed'
        end as status_code,
        break_months.register is not null as is_break
    from months
    cross join bounds
    left join break_months
        on
            bounds.register = break_months.register
            and months.month_index = break_months.month_index

)

select * from final
