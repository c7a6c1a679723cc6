with plans as (

    select * from {{ source('landing', 'ura__plans') }}

),

signed_plans as (

    select * from {{ source('landing', 'ura__signed_plans') }}

),

statements as (

    select * from {{ source('landing', 'ura__statements') }}

),

codes as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'ura' and list_name in ('kotsk', 'toimsuunlaji', 'lausno')

),

latest_plans as (

    {{ latest_rows('plans', ['person_key', 'plan_code', 'made_on']) }}

),

latest_signed_plans as (

    {{ latest_rows('signed_plans', ['person_key', 'plan_code', 'made_on']) }}

),

latest_statements as (

    {{ latest_rows('statements', ['person_key', 'statement_code', 'stated_on']) }}

),

-- The same plan in three tables, of which two code its kind in ways of their own.
coded as (

    select
        'kotsk' as list_name,
        person_key,
        plan_code,
        made_on
    from latest_plans
    union all
    select
        'toimsuunlaji' as list_name,
        person_key,
        plan_code,
        made_on
    from latest_signed_plans
    union all
    select
        'lausno' as list_name,
        person_key,
        statement_code as plan_code,
        stated_on as made_on
    from latest_statements

),

-- The codings meet in their groups; most statements are of no plan.
final as (

    select distinct
        'ura' as register,
        coded.person_key,
        codes.group_code as plan_kind_code,
        coded.made_on,
        coded.made_on as started_on,
        cast(null as date) as ended_on
    from coded
    inner join codes
        on
            coded.list_name = codes.list_name
            and coded.plan_code = codes.code
            and {{ valid_on('codes', 'coded.made_on') }}
    where codes.group_code is not null

)

select * from final
