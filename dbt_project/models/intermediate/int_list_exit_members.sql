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

    select distinct coverage.register
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
outcomes_by_day as (

    select
        person_key,
        exited_on,
        min(case exit_group_code when 'employed' then 1 when 'in_education' then 2 else 3 end) as outcome_no,
        row_number() over (partition by person_key order by exited_on nulls last) as day_no
    from client_exits
    group by person_key, exited_on

),

first_exits as (

    select
        person_key,
        exited_on,
        case outcome_no when 1 then 'employed' when 2 then 'in_education' else 'other' end as outcome_code
    from outcomes_by_day
    where day_no = 1

),

clients as (

    select
        cohort.person_key,
        cohort.entry_month,
        first_exits.exited_on,
        first_exits.outcome_code
    from cohort
    cross join exits_received
    left join first_exits
        on cohort.person_key = first_exits.person_key

),

bases as (

    {{ rows_of('base_code', ['leavers', 'entrants']) }}

),

years as (

    {{ rows_of('years_code', ['each', 'all']) }}

),

-- Each person once in its year and once in the row of all years.
final as (

    select
        bases.base_code,
        case
            when years.years_code = 'each' and bases.base_code = 'leavers'
                then cast(extract(year from clients.exited_on) as integer)
            when years.years_code = 'each' then cast(extract(year from clients.entry_month) as integer)
        end as year,
        coalesce(clients.outcome_code, 'no_exit') as outcome_code,
        clients.person_key
    from clients
    inner join bases
        on bases.base_code = 'entrants' or clients.outcome_code is not null
    cross join years

)

select * from final
