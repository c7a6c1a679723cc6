with incomes as (

    select * from {{ source('landing', 'vero__annual_incomes') }}

),

latest as (

    {{ latest_rows('incomes', ['person_key', 'tax_year']) }}

),

final as (

    select
        person_key,
        tax_year as income_year,
        wages_eur,
        self_employment_eur,
        pensions_eur,
        taxable_benefits_eur,
        taxes_eur
    from latest

)

select * from final
