{# What persons did around a month of entry, their own or one in which they are compared: the outcomes of marts and
   effects by one rule. #}

{# CTEs, the last of them `measured`: one row per row of the CTE `entries` (person_key, entry_month_index, group_code,
   weight; a person may have several) and month from `months_before` months before to the study's months after in which
   the person is followed. An outcome is null where its status is not observed. Without `with_degree_started`, which takes
   as long as all else, that outcome is left out. #}
{% macro outcomes_since_entry(entries, months_before, with_degree_started=true) -%}
entries as (

    select * from {{ entries }}
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

earnings as (

    select * from {{ ref('int_union_earnings') }}
    where {{ in_all_shards(shard_of('person_key')) }}

),

benefit_months as (

    select * from {{ ref('int_union_benefit_months') }}
    where {{ in_all_shards(shard_of('person_key')) }}

),

degrees as (

    select * from {{ ref('int_union_degrees') }}
    where {{ in_all_shards(shard_of('person_key')) }}

),

study as (

    select * from {{ ref('stg_reference__study') }}

),

-- Every year's prices beside those of 2024, at which earnings of different years are compared.
prices as (

    select
        years.year,
        years.index_2005,
        wanted.index_2005 as index_of_2024
    from {{ ref('consumer_prices') }} as years
    cross join {{ ref('consumer_prices') }} as wanted
    where wanted.year = 2024

),

studying as (

    select
        cast(sum(case when is_studying then state_bit else 0 end) as bigint) as state_bits,
        cast(sum(case when is_degree then state_bit else 0 end) as bigint) as degree_bits
    from {{ ref('states') }}

),

wages as (

    select
        person_key,
        {{ month_index('earning_month') }} as month_index,
        sum(wages_eur) as wages_eur
    from earnings
    group by person_key, {{ month_index('earning_month') }}

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

-- The months around the entry in which the person is followed.
followed as (

    select
        entries.person_key,
        entries.group_code,
        entries.entry_month_index,
        person_months.month_index - entries.entry_month_index as months_since_entry,
        person_months.month,
        person_months.month_index,
        person_months.state_code,
        person_months.state_bits,
        person_months.service_bits,
        person_months.observed_service_bits,
        person_months.is_resident,
        entries.weight
    from entries
    cross join study
    inner join person_months
        on
            entries.person_key = person_months.person_key
            and person_months.month_index
            between entries.entry_month_index - {{ months_before }}
            and entries.entry_month_index + study.months_after
    where person_months.is_at_risk

),

-- Degree education starts in a month with evidence of it after a followed month without.
studies as (

    select
        followed.*,
        {% if with_degree_started %}
        followed.months_since_entry >= 0
        and (followed.state_bits & studying.degree_bits) > 0
        and lag(followed.state_bits & studying.degree_bits) over (
            partition by followed.person_key, followed.entry_month_index order by followed.month_index nulls last
        ) = 0 as starts_degree,
        {% endif %}
        (followed.state_bits & studying.state_bits) > 0 as is_studying
    from followed
    cross join studying

),

first_degrees as (

    select
        degrees.person_key,
        entries.entry_month_index,
        min({{ month_index('degrees.completed_on') }}) as completed_index
    from degrees
    inner join entries
        on degrees.person_key = entries.person_key
    where {{ month_index('degrees.completed_on') }} >= entries.entry_month_index
    group by degrees.person_key, entries.entry_month_index

),

-- What has happened since the entry is known when the months of the entry and of now are observed.
entry_months as (

    select
        month_index,
        studies_status_code,
        degree_status_code
    from months

),

joined as (

    select
        studies.*,
        {% if with_degree_started %}
        coalesce(max(case when studies.starts_degree then 1 end) over (
            partition by studies.person_key, studies.entry_month_index order by studies.month_index nulls last
            rows between unbounded preceding and current row
        ), 0) = 1 as has_started_degree,
        {% endif %}
        coalesce(first_degrees.completed_index <= studies.month_index, false) as has_completed_degree,
        wages.wages_eur as month_wages_eur,
        {{ mean_eur('incomes.wages_eur', '12') }} as twelfth_eur,
        months.has_monthly_earnings,
        months.received_service_bits,
        months.work_status_code,
        months.studies_status_code,
        months.earnings_status_code,
        months.service_status_code,
        {% for code in benefit_groups() %}
        benefits.{{ code }}_eur,
        months.benefit_{{ code }}_status_code,
        {% endfor %}
        case
            when studies.months_since_entry < 0 then 'before_entry'
            when entry_months.studies_status_code <> 'observed' then entry_months.studies_status_code
            else months.studies_status_code
        end as degree_started_status_code,
        case
            when studies.months_since_entry < 0 then 'before_entry'
            when entry_months.degree_status_code <> 'observed' then entry_months.degree_status_code
            else months.degree_status_code
        end as degree_completed_status_code
    from studies
    inner join months
        on studies.month_index = months.month_index
    left join entry_months
        on studies.entry_month_index = entry_months.month_index
    left join first_degrees
        on
            studies.person_key = first_degrees.person_key
            and studies.entry_month_index = first_degrees.entry_month_index
    left join wages
        on
            studies.person_key = wages.person_key
            and studies.month_index = wages.month_index
    left join incomes
        on
            studies.person_key = incomes.person_key
            and cast(extract(year from studies.month) as integer) = incomes.income_year
    left join benefits
        on
            studies.person_key = benefits.person_key
            and studies.month_index = benefits.month_index

),

-- Wages by month stand before a twelfth of the year's wherever they are observed; with them work is a wage in the
-- month, else the main activity. Services of all received channels must be observed to say that none was used.
judged as (

    select
        *,
        coalesce(case when has_monthly_earnings then month_wages_eur else twelfth_eur end, 0) as wages_eur,
        case when has_monthly_earnings then 'observed' else work_status_code end as employed_status_code,
        case
            when observed_service_bits = received_service_bits and received_service_bits <> 0 then 'observed'
            when is_resident is false and service_status_code = 'observed' then 'not_resident'
            else service_status_code
        end as any_service_status_code
    from joined

),

measured as (

    select
        judged.person_key,
        judged.group_code,
        judged.entry_month_index,
        cast(judged.months_since_entry as integer) as months_since_entry,
        judged.month,
        case
            when judged.employed_status_code <> 'observed' then null
            when judged.has_monthly_earnings then judged.wages_eur > 0
            else judged.state_code = 'employed'
        end as employed,
        judged.employed_status_code,
        case
            when judged.earnings_status_code = 'observed'
                then judged.wages_eur >= study.employed_min_eur_per_month
        end as employed_strictly,
        case when judged.studies_status_code = 'observed' then judged.is_studying end as studying,
        judged.studies_status_code as studying_status_code,
        {% if with_degree_started %}
        case when judged.degree_started_status_code = 'observed' then judged.has_started_degree end as degree_started,
        judged.degree_started_status_code,
        {% endif %}
        case when judged.degree_completed_status_code = 'observed' then judged.has_completed_degree end
            as degree_completed,
        judged.degree_completed_status_code,
        case when judged.any_service_status_code = 'observed' then judged.service_bits > 0 end as in_any_service,
        judged.any_service_status_code,
        judged.service_bits,
        judged.observed_service_bits,
        case
            when judged.earnings_status_code = 'observed' then cast(judged.wages_eur as decimal(14, 2))
        end as earnings_eur,
        case
            when judged.earnings_status_code = 'observed'
                then {{ at_prices_eur('judged.wages_eur', 'prices.index_2005', 'prices.index_of_2024') }}
        end as earnings_2024_eur,
        judged.earnings_status_code,
        {% for code in benefit_groups() %}
        case
            when judged.benefit_{{ code }}_status_code = 'observed'
                then cast(coalesce(judged.{{ code }}_eur, 0) as decimal(14, 2))
        end as benefit_{{ code }}_eur,
        judged.benefit_{{ code }}_status_code,
        {% endfor %}
        judged.weight
    from judged
    cross join study
    left join prices
        on cast(extract(year from judged.month) as integer) = prices.year

)
{%- endmacro %}

{# Outcomes that a person has or has not in a month, and the column of `person_outcome` of each. #}
{% macro outcome_flags() -%}
    {{ return(['employed', 'employed_strictly', 'studying', 'degree_started', 'degree_completed', 'any_service']) }}
{%- endmacro %}

{% macro outcome_column(outcome) -%}
    {{ 'in_any_service' if outcome == 'any_service' else outcome }}
{%- endmacro %}
