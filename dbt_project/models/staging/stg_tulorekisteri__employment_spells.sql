with lines as (

    select * from {{ ref('stg_tulorekisteri__wage_lines') }}

),

gap as (

    select gap_days from {{ ref('stg_reference__coverage') }}
    where register = 'tulorekisteri' and table_name = 'wage_reports'

),

-- A report tells of work when it pays for work; what it only recovers, or pays for a job that has ended, does not.
reports as (

    select
        report_key,
        person_key,
        min(state_code) as state_code,
        min(coalesce(pay_started_on, paid_on)) as pay_started_on,
        max(coalesce(pay_ended_on, pay_started_on, paid_on)) as pay_ended_on,
        min(employment_started_on) as employment_started_on,
        max(employment_ended_on) as employment_ended_on,
        min(delivery_id) as delivery_id,
        min(row_no) as row_no
    from lines
    where state_code is not null and not is_recovery
    group by report_key, person_key

),

bounded as (

    select
        reports.report_key,
        reports.person_key,
        reports.state_code,
        greatest(reports.pay_started_on, coalesce(reports.employment_started_on, reports.pay_started_on)) as started_on,
        {{ half_open('least(reports.pay_ended_on, coalesce(reports.employment_ended_on, reports.pay_ended_on))') }}
            as ended_on,
        reports.delivery_id,
        reports.row_no,
        gap.gap_days
    from reports
    cross join gap

),

-- The end of everything before this period, not of the one just before it.
compared as (

    select
        *,
        max(ended_on) over (
            partition by person_key, state_code
            order by started_on nulls last, ended_on nulls last, report_key nulls last
            rows between unbounded preceding and 1 preceding
        ) as earlier_ended_on
    from bounded
    where started_on < ended_on

),

marked as (

    select
        *,
        case
            when {{ days_between('earlier_ended_on', 'started_on') }} <= gap_days then 0
            else 1
        end as is_first
    from compared

),

numbered as (

    select
        *,
        sum(is_first) over (
            partition by person_key, state_code
            order by started_on nulls last, ended_on nulls last, report_key nulls last
            rows between unbounded preceding and current row
        ) as spell_no
    from marked

),

final as (

    select
        person_key,
        state_code,
        'tulorekisteri' as evidence_code,
        min(started_on) as started_on,
        max(ended_on) as ended_on,
        min(case when is_first = 1 then delivery_id end) as delivery_id,
        min(case when is_first = 1 then row_no end) as row_no
    from numbered
    group by person_key, state_code, spell_no

)

select * from final
