with years as (

    select * from {{ source('landing', 'toimeentulotuki__household_years') }}

),

months as (

    select * from {{ source('landing', 'toimeentulotuki__assistance_months') }}

),

codes as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'toimeentulotuki' and list_name = 'tukimuoto'

),

latest_years as (

    {{ latest_rows('years', ['person_key', 'assistance_year', 'assistance_code']) }}

),

latest_months as (

    {{ latest_rows('months', ['person_key', 'assistance_month', 'assistance_code']) }}

),

calendar as (

    select
        person_key,
        assistance_code,
        assistance_year,
        amount_eur,
        {{ explode_range('assistance_year * 12', 'assistance_year * 12 + 11') }} as month_index
    from latest_years

),

marked as (

    select
        calendar.*,
        latest_months.assistance_month is not null as is_marked,
        count(latest_months.assistance_month) over (
            partition by calendar.person_key, calendar.assistance_code, calendar.assistance_year
        ) as marked_months
    from calendar
    left join latest_months
        on
            calendar.person_key = latest_months.person_key
            and calendar.assistance_code = latest_months.assistance_code
            and calendar.month_index = {{ month_index('latest_months.assistance_month') }}

),

-- The euros of a year belong to the months in which assistance was received; to all of them, if none is marked.
numbered as (

    select
        *,
        row_number() over (
            partition by person_key, assistance_code, assistance_year
            order by month_index nulls last
        ) as month_no,
        count(*) over (partition by person_key, assistance_code, assistance_year) as months
    from marked
    where is_marked or marked_months = 0

),

-- Each month has what is due by its end less what was due before it, so that the cents of a year add up.
final as (

    select
        numbered.person_key,
        codes.group_code as benefit_group_code,
        {{ month_start('numbered.month_index') }} as benefit_month,
        cast(sum(
            {{ mean_eur('numbered.amount_eur * numbered.month_no', 'numbered.months') }}
            - {{ mean_eur('numbered.amount_eur * (numbered.month_no - 1)', 'numbered.months') }}
        ) as decimal(14, 2)) as amount_eur
    from numbered
    inner join codes
        on numbered.assistance_code = codes.code
    where codes.group_code is not null
    group by numbered.person_key, codes.group_code, numbered.month_index

)

select * from final
