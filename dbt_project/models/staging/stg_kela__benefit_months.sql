with payments as (

    select * from {{ source('landing', 'kela__payments') }}

),

codes as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'kela' and list_name = 'etuus'

),

latest as (

    {{ latest_rows(
        'payments',
        ['person_key', 'benefit_code', 'payment_type_code', 'payment_no', 'paid_on', 'benefit_month']
    ) }}

),

-- A recovery is a negative payment for the month in which the benefit was paid by mistake.
final as (

    select
        latest.person_key,
        codes.group_code as benefit_group_code,
        latest.benefit_month,
        cast(sum(latest.amount_eur) as decimal(14, 2)) as amount_eur
    from latest
    inner join codes
        on
            latest.benefit_code = codes.code
            and {{ valid_on('codes', 'latest.benefit_month') }}
    where codes.group_code is not null
    group by latest.person_key, codes.group_code, latest.benefit_month

)

select * from final
