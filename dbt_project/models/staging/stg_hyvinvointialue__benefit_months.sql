with assistance as (

    select * from {{ source('landing', 'hyvinvointialue__assistance') }}

),

codes as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'hyvinvointialue' and list_name = 'tukimuoto'

),

latest as (

    {{ latest_rows('assistance', ['person_key', 'assistance_code', 'assistance_month', 'decided_on']) }}

),

final as (

    select
        latest.person_key,
        codes.group_code as benefit_group_code,
        latest.assistance_month as benefit_month,
        cast(sum(latest.amount_eur) as decimal(14, 2)) as amount_eur
    from latest
    inner join codes
        on latest.assistance_code = codes.code
    where codes.group_code is not null
    group by latest.person_key, codes.group_code, latest.assistance_month

)

select * from final
