with reports as (

    select * from {{ source('landing', 'tulorekisteri__wage_reports') }}

),

latest as (

    {{ latest_rows('reports', ['report_key', 'report_version']) }}

),

last_versions as (

    select
        report_key,
        max(report_version) as report_version
    from latest
    group by report_key

),

-- Of the versions of a report the last one stands. Where it takes the report back, none does.
final as (

    select
        latest.report_key,
        latest.report_version,
        latest.person_key,
        latest.paid_on,
        latest.pay_started_on,
        latest.pay_ended_on,
        latest.employment_started_on,
        latest.employment_ended_on,
        latest.delivery_id,
        latest.row_no
    from latest
    inner join last_versions
        on
            latest.report_key = last_versions.report_key
            and latest.report_version = last_versions.report_version
    where
        latest.person_key is not null
        and not coalesce(latest.is_withdrawn, false)

)

select * from final
