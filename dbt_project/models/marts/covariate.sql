{%- set numbers = [
    'age_years', 'months_since_arrival', 'wages_1_year_before_eur', 'wages_2_years_before_eur',
    'months_employed_12_before', 'months_unemployed_12_before', 'months_unemployed_24_before',
    'months_in_service_12_before', 'months_studying_12_before'
] -%}
{%- set codes = ['sex_code', 'residence_ground_code'] -%}
{%- set states = {
    'employed': ['employed'],
    'unemployed': ['unemployed'],
    'in_service': ['in_service'],
    'studying': ['general_education', 'vocational_education', 'higher_education']
} -%}

with cohort as (

    select * from {{ ref('cohort') }}

),

persons as (

    select * from {{ ref('person') }}

),

person_months as (

    select * from {{ ref('person_month') }}

),

incomes as (

    select * from {{ ref('int_union_incomes') }}

),

months as (

    select * from {{ ref('int_list_observed_months') }}

),

added as (

    select * from {{ ref('int_union_covariates') }}

),

entrants as (

    select
        cohort.person_key,
        cohort.group_code,
        {{ month_index('cohort.entry_month') }} as entry_month_index,
        cast(extract(year from cohort.entry_month) as integer) as entry_year,
        cohort.months_since_arrival,
        persons.birth_year,
        persons.sex_code,
        persons.residence_ground_code
    from cohort
    inner join persons
        on cohort.person_key = persons.person_key

),

-- Main activities of the two years before the entry; months that are not observed do not count.
before as (

    select
        entrants.person_key,
        {% for state, of in states.items() %}
        count(case
            when
                person_months.state_code in ('{{ of | join("', '") }}')
                and person_months.month_index >= entrants.entry_month_index - 12
                then 1
        end) as months_{{ state }}_12_before,
        {% endfor %}
        count(case when person_months.state_code = 'unemployed' then 1 end) as months_unemployed_24_before,
        count(case when person_months.month_index >= entrants.entry_month_index - 12 then 1 end) as months_seen
    from entrants
    inner join person_months
        on
            entrants.person_key = person_months.person_key
            and person_months.month_index
            between entrants.entry_month_index - 24 and entrants.entry_month_index - 1
    where person_months.is_observed
    group by entrants.person_key

),

-- The year before the entry and the one before that, as far as tax data are final for them.
final_years as (

    select income_year
    from (
        select
            cast(extract(year from {{ month_start('month_index') }}) as integer) as income_year,
            earnings_status_code
        from months
    ) as by_year
    group by income_year
    having count(*) = 12 and min(case when earnings_status_code = 'observed' then 1 else 0 end) = 1

),

wages as (

    select
        person_key,
        income_year,
        sum(wages_eur) as wages_eur
    from incomes
    group by person_key, income_year

),

described as (

    select
        entrants.*,
        entrants.entry_year - entrants.birth_year as age_years,
        case when last_year.income_year is not null then coalesce(last_wages.wages_eur, 0) end
            as wages_1_year_before_eur,
        case when earlier_year.income_year is not null then coalesce(earlier_wages.wages_eur, 0) end
            as wages_2_years_before_eur,
        {% for state in states %}
        case when before.months_seen > 0 then before.months_{{ state }}_12_before end
            as months_{{ state }}_12_before,
        {% endfor %}
        before.months_unemployed_24_before
    from entrants
    left join before
        on entrants.person_key = before.person_key
    left join final_years as last_year
        on entrants.entry_year - 1 = last_year.income_year
    left join final_years as earlier_year
        on entrants.entry_year - 2 = earlier_year.income_year
    left join wages as last_wages
        on
            entrants.person_key = last_wages.person_key
            and entrants.entry_year - 1 = last_wages.income_year
    left join wages as earlier_wages
        on
            entrants.person_key = earlier_wages.person_key
            and entrants.entry_year - 2 = earlier_wages.income_year

),

-- One of several client numbers or rows decides: the greatest value, so that the choice never depends on the engine.
added_once as (

    select
        person_key,
        covariate_code,
        max(value_number) as value_number,
        max(value_code) as value_code
    from added
    group by person_key, covariate_code

),

kinds as (

    {{ rows_of('covariate_code', numbers + codes) }}

),

turned as (

    select
        described.person_key,
        described.group_code,
        kinds.covariate_code,
        cast({{ by_code('kinds.covariate_code', numbers) }} as decimal(18, 4)) as value_number,
        {{ by_code('kinds.covariate_code', codes) }} as value_code
    from described
    cross join kinds

),

long as (

    select * from turned
    where value_number is not null or value_code is not null
    union all
    select
        entrants.person_key,
        entrants.group_code,
        added_once.covariate_code,
        added_once.value_number,
        added_once.value_code
    from entrants
    inner join added_once
        on entrants.person_key = added_once.person_key

),

final as (

    select
        person_key,
        group_code,
        covariate_code,
        cast(value_number as decimal(18, 4)) as value_number,
        value_code
    from long

)

select * from final
