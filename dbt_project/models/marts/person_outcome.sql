with cohort as (

    select
        *,
        {{ month_index('entry_month') }} as entry_month_index
    from {{ ref('cohort') }}
    where {{ in_all_shards(shard_of('person_key')) }}

),

person_months as (

    select * from {{ ref('person_month') }}
    where {{ in_all_shards('shard') }}

),

months as (

    select * from {{ ref('int_list_observed_months') }}

),

incomes as (

    select * from {{ ref('int_union_incomes') }}
    where {{ in_all_shards(shard_of('person_key')) }}

),

benefit_months as (

    select * from {{ ref('int_union_benefit_months') }}
    where {{ in_all_shards(shard_of('person_key')) }}

),

study as (

    select * from {{ ref('stg_reference__study') }}

),

studying as (

    select cast(sum(state_bit) as bigint) as state_bits
    from {{ ref('states') }}
    where is_studying

),

benefits as (

    select
        {% for code in benefit_groups() %}
        sum(case when benefit_group_code = '{{ code }}' then amount_eur end) as {{ code }}_eur,
        {% endfor %}
        person_key,
        {{ month_index('benefit_month') }} as month_index
    from benefit_months
    group by person_key, {{ month_index('benefit_month') }}

),

-- The months around the entry in which the person is alive and in Finland.
followed as (

    select
        cohort.person_key,
        cohort.group_code,
        person_months.month_index - cohort.entry_month_index as months_since_entry,
        person_months.month,
        person_months.month_index,
        person_months.state_code,
        person_months.state_bits,
        person_months.service_bits,
        cohort.weight
    from cohort
    cross join study
    inner join person_months
        on
            cohort.person_key = person_months.person_key
            and person_months.month_index
            between cohort.entry_month_index - study.months_before
            and cohort.entry_month_index + study.months_after
    where person_months.state_code not in ('dead', 'emigrated', 'out_of_study')

),

final as (

    select
        followed.person_key,
        followed.group_code,
        cast(followed.months_since_entry as integer) as months_since_entry,
        followed.month,
        case when months.is_work_observed then followed.state_code = 'employed' end as employed,
        case when months.is_studies_observed then (followed.state_bits & studying.state_bits) > 0 end as studying,
        followed.service_bits > 0 as in_any_service,
        case when months.is_income_observed then {{ mean_eur('coalesce(incomes.wages_eur, 0)', '12') }} end
            as earnings_eur,
        {% for code in benefit_groups() %}
        case
            when months.is_benefit_observed
                then cast(coalesce(benefits.{{ code }}_eur, 0) as decimal(14, 2))
        end as benefit_{{ code }}_eur,
        {% endfor %}
        followed.weight
    from followed
    cross join studying
    inner join months
        on followed.month_index = months.month_index
    left join incomes
        on
            followed.person_key = incomes.person_key
            and cast(extract(year from followed.month) as integer) = incomes.income_year
    left join benefits
        on
            followed.person_key = benefits.person_key
            and followed.month_index = benefits.month_index

)

select * from final
