with lines as (

    select * from {{ ref('stg_tulorekisteri__wage_lines') }}

),

itemised as (

    select report_key
    from lines
    where wage_group_code = 'wage_item'
    group by report_key

),

-- The total of wages (100-series) and its items (200-series) are the same money: where a report has both, items count.
counted as (

    select
        lines.*,
        case when lines.is_recovery then coalesce(lines.original_started_on, lines.original_paid_on) end
            as recovered_from_on,
        case when lines.is_recovery then - abs(lines.amount_eur) else lines.amount_eur end as wages_eur
    from lines
    left join itemised
        on lines.report_key = itemised.report_key
    where lines.wage_group_code <> 'wage_total' or itemised.report_key is null

),

-- A recovery belongs to the period that had been paid, or to the day on which it had been; other wages to the period
-- in which they were earned, else to the one that they were paid for, else to the day of payment.
placed as (

    select
        person_key,
        wages_eur,
        coalesce(recovered_from_on, earning_started_on, pay_started_on, paid_on) as started_on,
        case
            when recovered_from_on is not null then coalesce(original_ended_on, recovered_from_on)
            when earning_started_on is not null then coalesce(earning_ended_on, earning_started_on)
            when pay_started_on is not null then coalesce(pay_ended_on, pay_started_on)
            else paid_on
        end as last_on
    from counted

),

bounded as (

    select
        person_key,
        wages_eur,
        started_on,
        {{ half_open('greatest(started_on, last_on)') }} as ended_on,
        {{ month_index('started_on') }} as first_month_index,
        {{ month_index('greatest(started_on, last_on)') }} as last_month_index
    from placed

),

spread as (

    select
        *,
        {{ explode_range('first_month_index', 'last_month_index') }} as month_index
    from bounded

),

measured as (

    select
        person_key,
        wages_eur,
        {{ month_start('month_index') }} as earning_month,
        {{ days_between('started_on', 'ended_on') }} as days,
        {{ days_between('started_on', 'greatest(started_on, ' ~ month_start('month_index') ~ ')') }} as days_before,
        {{ days_between('started_on', 'least(ended_on, ' ~ month_start('(month_index + 1)') ~ ')') }} as days_through
    from spread

),

-- Each month has what is due by its end less what was due before it, so that the cents of the months add up.
final as (

    select
        'tulorekisteri' as register,
        person_key,
        earning_month,
        cast(sum(
            {{ mean_eur('wages_eur * days_through', 'days') }} - {{ mean_eur('wages_eur * days_before', 'days') }}
        ) as decimal(14, 2)) as wages_eur
    from measured
    group by person_key, earning_month

)

select * from final
