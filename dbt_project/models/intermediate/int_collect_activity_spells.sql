with study as (

    select * from {{ ref('stg_reference__study') }}

),

coverage as (

    select * from {{ ref('stg_reference__coverage') }}

),

months as (

    select * from {{ ref('int_list_observed_months') }}

),

activities as (

    select * from {{ ref('int_union_activity_spells') }}

),

persons as (

    select * from {{ ref('int_resolve_persons') }}

),

residences as (

    select * from {{ ref('int_build_residence_spells') }}

),

incomes as (

    select * from {{ ref('int_union_incomes') }}

),

earnings as (

    select * from {{ ref('int_union_earnings') }}

),

ranks as (

    select * from {{ ref('int_rank_activities') }}

),

wages as (

    select
        person_key,
        min(register) as register,
        earning_month,
        sum(wages_eur) as wages_eur
    from earnings
    group by person_key, earning_month

),

-- A month with wages from the study's monthly minimum on is a spell of a month.
recorded as (

    select
        person_key,
        register,
        state_code,
        evidence_code,
        started_on,
        ended_on
    from activities
    union all
    select
        wages.person_key,
        wages.register,
        'employed' as state_code,
        'earnings' as evidence_code,
        wages.earning_month as started_on,
        {{ month_start(month_index('wages.earning_month') ~ ' + 1') }} as ended_on
    from wages
    cross join study
    where wages.wages_eur >= study.employed_min_eur_per_month

),

-- Until when a register's activities or wages are observed, and which gaps between their spells count for nothing.
feeds as (

    select
        register,
        min(observed_to_on) as observed_to_on,
        max(gap_days) as gap_days
    from coverage
    where
        false
        {% for model in activity_models() + earning_models() %}
        or (register = '{{ register_of(model) }}' and table_name = '{{ table_of(model) }}')
        {% endfor %}
    group by register

),

-- What a register records after the day until which it is observed is a plan, not an observation.
observed as (

    select
        recorded.person_key,
        recorded.state_code,
        recorded.evidence_code,
        recorded.started_on,
        least(recorded.ended_on, feeds.observed_to_on) as ended_on,
        coalesce(feeds.gap_days, 0) as gap_days
    from recorded
    left join feeds
        on recorded.register = feeds.register
    where feeds.observed_to_on is null or recorded.started_on < feeds.observed_to_on

),

deaths as (

    select
        person_key,
        'dead' as state_code,
        'death' as evidence_code,
        died_on as started_on,
        cast(null as date) as ended_on,
        0 as gap_days
    from persons
    where died_on is not null

),

absences as (

    select
        residences.person_key,
        residences.residence_code as state_code,
        'residence' as evidence_code,
        coalesce(residences.started_on, study.window_start_on) as started_on,
        residences.ended_on,
        0 as gap_days
    from residences
    cross join study
    where residences.residence_code <> 'resident'

),

by_month as (

    select
        min(month_index) as first_month_index,
        max(month_index) as last_month_index
    from months
    where has_monthly_earnings

),

annual_earners as (

    select
        incomes.person_key,
        {{ month_start('incomes.income_year * 12') }} as started_on,
        {{ month_start('incomes.income_year * 12 + 12') }} as ended_on
    from incomes
    cross join study
    where incomes.wages_eur >= study.employed_min_eur_per_month * 12

),

-- Wages of a tax year that come to the study's monthly minimum over twelve months; they are the evidence before and
-- after the months of which wages are observed by month.
annual_parts as (

    select
        annual_earners.person_key,
        annual_earners.started_on,
        least(annual_earners.ended_on, {{ month_start('by_month.first_month_index') }}) as ended_on
    from annual_earners
    cross join by_month
    union all
    select
        annual_earners.person_key,
        greatest(annual_earners.started_on, {{ month_start('by_month.last_month_index + 1') }}) as started_on,
        annual_earners.ended_on
    from annual_earners
    cross join by_month
    where by_month.last_month_index is not null

),

collected as (

    select * from observed
    union all
    select * from deaths
    union all
    select * from absences
    union all
    select
        person_key,
        'employed' as state_code,
        'annual_income' as evidence_code,
        started_on,
        ended_on,
        0 as gap_days
    from annual_parts
    where started_on < ended_on

),

merged as (

    {{ merge_spells('collected', ['person_key', 'state_code', 'evidence_code']) }}

),

clipped as (

    select
        merged.person_key,
        merged.state_code,
        merged.evidence_code,
        greatest(merged.started_on, study.window_start_on) as started_on,
        least(coalesce(merged.ended_on, study.window_end_on), study.window_end_on) as ended_on,
        study.month_rule_code
    from merged
    cross join study

),

numbered as (

    select
        person_key,
        state_code,
        evidence_code,
        started_on,
        ended_on,
        month_rule_code,
        {{ month_index('started_on') }} as started_index,
        {{ month_index('ended_on') }} as ended_index,
        {{ month_start(month_index('started_on') ~ ' + 1') }} as second_month_on,
        {{ month_start(month_index('ended_on')) }} as last_month_on
    from clipped
    where started_on < ended_on

),

-- A state holds a month on its last day: a half-open spell holds the months from its first day's up to the one before
-- its end's. Or it holds a month on more than half of its days: the months that a spell fills, and those whose parts
-- come to more than half.
whole_months as (

    select
        person_key,
        state_code,
        evidence_code,
        case
            when month_rule_code = 'majority' and extract(day from started_on) <> 1 then started_index + 1
            else started_index
        end as first_month_index,
        ended_index - 1 as last_month_index
    from numbered

),

ends as (

    {{ rows_of('end_code', ['first', 'last']) }}

),

parts as (

    select
        numbered.person_key,
        numbered.state_code,
        numbered.evidence_code,
        case ends.end_code when 'first' then numbered.started_index else numbered.ended_index end as month_index,
        case ends.end_code
            when 'first'
                then {{ days_between('numbered.started_on', 'least(numbered.ended_on, numbered.second_month_on)') }}
            else {{ days_between('numbered.last_month_on', 'numbered.ended_on') }}
        end as days
    from numbered
    inner join ends
        on
            (ends.end_code = 'first' and extract(day from numbered.started_on) <> 1)
            or (
                ends.end_code = 'last'
                and extract(day from numbered.ended_on) <> 1
                and (numbered.ended_index > numbered.started_index or extract(day from numbered.started_on) = 1)
            )
    where numbered.month_rule_code = 'majority'

),

held_by_majority as (

    select
        person_key,
        state_code,
        evidence_code,
        month_index as first_month_index,
        month_index as last_month_index
    from parts
    group by person_key, state_code, evidence_code, month_index
    having sum(days) * 2 > {{ days_between(month_start('month_index'), month_start('month_index + 1')) }}

),

held as (

    select * from whole_months
    union all
    select * from held_by_majority

),

final as (

    select
        held.person_key,
        {{ shard_of('held.person_key') }} as shard,
        held.state_code,
        held.evidence_code,
        ranks.activity_rank,
        ranks.state_bit,
        cast(held.first_month_index as integer) as first_month_index,
        cast(held.last_month_index as integer) as last_month_index
    from held
    inner join ranks
        on
            held.state_code = ranks.state_code
            and held.evidence_code = ranks.evidence_code
    where held.first_month_index <= held.last_month_index

)

select * from final
