with lines as (

    select * from {{ source('landing', 'tulorekisteri__wage_transactions') }}

),

reports as (

    select * from {{ ref('stg_tulorekisteri__wage_reports') }}

),

codes as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'tulorekisteri' and list_name = 'transactionCode'

),

latest as (

    {{ latest_rows('lines', ['report_key', 'report_version', 'line_no']) }}

),

-- Deductions, reimbursements and fees of the self-employed are no wages; what was paid by mistake, and its way back,
-- was not earned.
wages as (

    select
        latest.report_key,
        reports.person_key,
        codes.group_code as wage_group_code,
        case when latest.is_recovery then 0 - abs(latest.amount_eur) else latest.amount_eur end as wages_eur,
        case when latest.is_recovery then coalesce(latest.original_started_on, latest.original_paid_on) end
            as recovered_from_on,
        latest.original_ended_on,
        latest.earning_started_on,
        latest.earning_ended_on,
        reports.pay_started_on,
        reports.pay_ended_on,
        reports.paid_on
    from latest
    inner join reports
        on
            latest.report_key = reports.report_key
            and latest.report_version = reports.report_version
    inner join codes
        on latest.transaction_code = codes.code
    where
        codes.group_code is not null
        and not coalesce(latest.is_unjust_enrichment, false)

),

itemised as (

    select report_key
    from wages
    where wage_group_code = 'wage_item'
    group by report_key

),

-- The total of wages (100-series) and its items (200-series) are the same money: where a report has both, items count.
counted as (

    select wages.*
    from wages
    left join itemised
        on wages.report_key = itemised.report_key
    where wages.wage_group_code <> 'wage_total' or itemised.report_key is null

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
