with lines as (

    select * from {{ ref('stg_tulorekisteri__wage_lines') }}

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
    from reports

),

final as (

    select * from bounded
    where started_on < ended_on

)

select * from final
