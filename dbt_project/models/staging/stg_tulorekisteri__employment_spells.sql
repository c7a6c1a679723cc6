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

-- A report tells of work when it pays for work; what it only recovers, or pays for a job that has ended, does not.
paid as (

    select
        latest.report_key,
        latest.report_version,
        min(codes.state_code) as state_code
    from latest
    inner join codes
        on latest.transaction_code = codes.code
    where
        codes.state_code is not null
        and not coalesce(latest.is_recovery, false)
        and not coalesce(latest.is_unjust_enrichment, false)
    group by latest.report_key, latest.report_version

),

periods as (

    select
        reports.person_key,
        paid.state_code,
        coalesce(reports.pay_started_on, reports.paid_on) as pay_started_on,
        coalesce(reports.pay_ended_on, reports.pay_started_on, reports.paid_on) as pay_ended_on,
        reports.employment_started_on,
        reports.employment_ended_on,
        reports.delivery_id,
        reports.row_no
    from reports
    inner join paid
        on
            reports.report_key = paid.report_key
            and reports.report_version = paid.report_version

),

-- The days of the pay period on which the job went on.
bounded as (

    select
        person_key,
        state_code,
        'tulorekisteri' as evidence_code,
        greatest(pay_started_on, coalesce(employment_started_on, pay_started_on)) as started_on,
        {{ half_open('least(pay_ended_on, coalesce(employment_ended_on, pay_ended_on))') }} as ended_on,
        delivery_id,
        row_no
    from periods

),

final as (

    select * from bounded
    where started_on < ended_on

)

select * from final
