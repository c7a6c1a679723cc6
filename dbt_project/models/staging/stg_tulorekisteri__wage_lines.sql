with reports as (

    select * from {{ source('landing', 'tulorekisteri__wage_reports') }}

),

lines as (

    select * from {{ source('landing', 'tulorekisteri__wage_transactions') }}

),

codes as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'tulorekisteri' and list_name = 'transactionCode'

),

latest_reports as (

    {{ latest_rows('reports', ['report_key', 'report_version']) }}

),

latest_lines as (

    {{ latest_rows('lines', ['report_key', 'report_version', 'line_no']) }}

),

last_versions as (

    select
        report_key,
        max(report_version) as report_version
    from latest_reports
    group by report_key

),

-- Of the versions of a report the last one stands. Where it takes the report back, none does.
standing as (

    select latest_reports.*
    from latest_reports
    inner join last_versions
        on
            latest_reports.report_key = last_versions.report_key
            and latest_reports.report_version = last_versions.report_version
    where not coalesce(latest_reports.is_withdrawn, false)

),

-- What was paid by mistake, and its way back, is not earned.
final as (

    select
        standing.report_key,
        standing.person_key,
        codes.group_code as wage_group_code,
        codes.state_code,
        coalesce(latest_lines.is_recovery, false) as is_recovery,
        latest_lines.original_started_on,
        latest_lines.original_ended_on,
        latest_lines.original_paid_on,
        latest_lines.earning_started_on,
        latest_lines.earning_ended_on,
        standing.pay_started_on,
        standing.pay_ended_on,
        standing.paid_on,
        standing.employment_started_on,
        standing.employment_ended_on,
        latest_lines.amount_eur,
        standing.delivery_id,
        standing.row_no
    from latest_lines
    inner join standing
        on
            latest_lines.report_key = standing.report_key
            and latest_lines.report_version = standing.report_version
    inner join codes
        on latest_lines.transaction_code = codes.code
    where
        standing.person_key is not null
        and codes.group_code is not null
        and not coalesce(latest_lines.is_unjust_enrichment, false)

)

select * from final
