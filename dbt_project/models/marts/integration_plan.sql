with plans as (

    select * from {{ ref('int_union_plans') }}
    where plan_kind_code = 'integration'

),

-- Both the employment office and the municipality record a plan that they made together, some days apart: records of a
-- person that follow each other within 31 days are of one plan. Reviews come a year later. Records that are alike stand
-- in no order: they are numbered together (`range`).
compared as (

    select
        *,
        lag(made_on) over (
            partition by person_key
            order by made_on nulls last, register nulls last, started_on nulls last, ended_on nulls last
        ) as earlier_made_on
    from plans

),

numbered as (

    select
        *,
        sum(case when {{ days_between('earlier_made_on', 'made_on') }} <= 31 then 0 else 1 end) over (
            partition by person_key
            order by made_on nulls last, register nulls last, started_on nulls last, ended_on nulls last
            range between unbounded preceding and current row
        ) as plan_no
    from compared

),

merged as (

    select
        person_key,
        plan_no,
        min(made_on) as made_on,
        min(started_on) as started_on,
        case when count(ended_on) = count(*) then max(ended_on) end as ended_on,
        count(*) as records,
        min(register) as first_register,
        max(register) as last_register
    from numbered
    group by person_key, plan_no

),

final as (

    select
        person_key,
        cast(plan_no as integer) as plan_no,
        made_on,
        started_on,
        ended_on,
        case
            when made_on < cast('2011-09-01' as date) then 'act_493_1999'
            when made_on < cast('2025-01-01' as date) then 'act_1386_2010'
            else 'act_681_2023'
        end as law_code,
        cast(records as integer) as records,
        first_register <> last_register as is_in_several_registers
    from merged

)

select * from final
