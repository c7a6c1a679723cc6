with exits as (

    select * from {{ ref('int_union_exits') }}

),

cohort as (

    select * from {{ ref('cohort') }}
    where group_code = 'client'

),

study as (

    select * from {{ ref('stg_reference__study') }}

),

coverage as (

    select * from {{ ref('stg_reference__coverage') }}

),

exit_tables as (

    {{ feeding_tables({'exit': exit_models()}) }}

),

-- Without a delivery of exits nobody is known to have left or to have stayed.
exits_received as (

    select coverage.register
    from coverage
    inner join exit_tables
        on
            coverage.register = exit_tables.register
            and coverage.table_name = exit_tables.table_name
    inner join study
        on coverage.register = study.client_register
    where coverage.is_received

),

client_exits as (

    select exits.*
    from exits
    inner join exits_received
        on exits.register = exits_received.register

),

-- The first exit of a person counts, as the first entry does. Of several outcomes on that day
-- employment stands before education and education before the others.
first_days as (

    select
        person_key,
        min(exited_on) as exited_on
    from client_exits
    group by person_key

),

first_outcomes as (

    select
        client_exits.person_key,
        first_days.exited_on,
        min(case client_exits.exit_group_code when 'employed' then 1 when 'in_education' then 2 else 3 end)
            as outcome_no
    from client_exits
    inner join first_days
        on
            client_exits.person_key = first_days.person_key
            and client_exits.exited_on = first_days.exited_on
    group by client_exits.person_key, first_days.exited_on

),

first_exits as (

    select
        person_key,
        exited_on,
        case outcome_no when 1 then 'employed' when 2 then 'in_education' else 'other' end as outcome_code
    from first_outcomes

),

persons as (

    select
        'leavers' as base_code,
        cast(extract(year from first_exits.exited_on) as integer) as year,
        first_exits.outcome_code,
        cohort.person_key
    from cohort
    inner join first_exits
        on cohort.person_key = first_exits.person_key
    union all
    select
        'entrants' as base_code,
        cast(extract(year from cohort.entry_month) as integer) as year,
        coalesce(first_exits.outcome_code, 'no_exit') as outcome_code,
        cohort.person_key
    from cohort
    cross join exits_received
    left join first_exits
        on cohort.person_key = first_exits.person_key

),

-- Each person once in its year and once in the row of all years.
final as (

    select * from persons
    union all
    select
        base_code,
        cast(null as integer) as year,
        outcome_code,
        person_key
    from persons

)

select * from final
