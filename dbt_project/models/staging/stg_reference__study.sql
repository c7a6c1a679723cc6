with study as (

    select * from {{ source('landing', 'reference__study') }}

),

final as (

    select
        study_code,
        is_test,
        window_start_on,
        {{ half_open('window_end_on') }} as window_end_on,
        {{ month_index('window_start_on') }} as first_month_index,
        {{ month_index('window_end_on') }} as last_month_index,
        municipality_code,
        foreign_background as requires_foreign_background,
        min_age_years,
        max_age_years,
        risk_set_states,
        client_register,
        months_before,
        months_after,
        rule_set_code,
        month_rule_code,
        employed_min_eur_per_month,
        microdata_k,
        microdata_l,
        microdata_entropy_l,
        microdata_t
    from study

)

select * from final
