with person_months as (

    select * from {{ ref('person_month') }}
    where is_observed

),

cohort as (

    select * from {{ ref('cohort') }}

),

final as (

    select
        {{ month_start('person_months.month_index') }} as month,
        person_months.state_code,
        person_months.person_key
    from person_months
    inner join cohort
        on person_months.person_key = cohort.person_key

)

select * from final
