with cohort as (

    select
        *,
        {{ month_index('entry_month') }} as entry_month_index,
        {{ month_index('followed_until_month') }} as followed_until_index
    from {{ ref('cohort') }}
    where {{ in_all_shards(shard_of('person_key')) }}

),

person_months as (

    select * from {{ ref('person_month') }}
    where {{ in_all_shards('shard') }}

),

outcomes as (

    select
        person_key,
        months_since_entry,
        employed,
        studying
    from {{ ref('person_outcome') }}
    where {{ in_all_shards(shard_of('person_key')) }}

),

study as (

    select * from {{ ref('stg_reference__study') }}

),

degrees as (

    select cast(sum(case when is_degree then state_bit else 0 end) as bigint) as state_bits
    from {{ ref('states') }}

),

-- Outcomes are of the months in which a person is at risk of them; a month counts when both work and studies are known.
months as (

    select
        cohort.person_key,
        person_months.month_index - cohort.entry_month_index as months_since_entry,
        coalesce(outcomes.employed, false) as is_employed,
        (person_months.state_bits & degrees.state_bits) > 0 as is_in_degree_studies,
        outcomes.employed is not null and outcomes.studying is not null as is_observed,
        case
            when person_months.is_at_risk then 'not_observed'
            when person_months.state_code = 'dead' then 'death'
            when person_months.state_code = 'emigrated' then 'emigration'
            when
                person_months.month_index > cohort.followed_until_index
                and cohort.followed_until_code in ('death', 'emigration')
                then cohort.followed_until_code
            else 'age'
        end as gap_code
    from cohort
    cross join study
    cross join degrees
    inner join person_months
        on
            cohort.person_key = person_months.person_key
            and person_months.month_index
            between cohort.entry_month_index and cohort.entry_month_index + study.months_after
    left join outcomes
        on
            cohort.person_key = outcomes.person_key
            and person_months.month_index - cohort.entry_month_index = outcomes.months_since_entry

),

begun as (

    select
        *,
        min(case when is_observed then months_since_entry end) over (partition by person_key) as observed_from_months
    from months

),

-- Follow-up lasts until the first month that is not observed.
bounded as (

    select
        *,
        min(case when months_since_entry > observed_from_months and not is_observed then months_since_entry end)
            over (partition by person_key) as gap_months
    from begun

),

-- What is known of before the first observed month, and in it, was there before the risk began.
summed as (

    select
        person_key,
        observed_from_months,
        gap_months,
        max(months_since_entry) as last_months,
        max(case when months_since_entry = gap_months then gap_code end) as gap_code,
        min(case when is_employed or is_in_degree_studies then months_since_entry end) as event_months,
        min(case when is_employed then months_since_entry end) as employed_months
    from bounded
    group by person_key, observed_from_months, gap_months

),

judged as (

    select
        cohort.person_key,
        cohort.group_code,
        cohort.entry_month,
        summed.observed_from_months,
        summed.gap_months,
        summed.last_months,
        summed.event_months,
        case
            when summed.observed_from_months is null then 'never_observed'
            when summed.event_months <= summed.observed_from_months then 'had_event'
            when summed.event_months < coalesce(summed.gap_months, 999999)
                then case when summed.employed_months = summed.event_months then 'first_job' else 'degree_started' end
            when summed.gap_months is not null then summed.gap_code
            when summed.last_months = study.months_after then 'horizon'
            else 'window_end'
        end as exit_code
    from cohort
    cross join study
    left join summed
        on cohort.person_key = summed.person_key

),

-- A death or an emigration is in the month after the last observed one; who is censored was seen to its end.
timed as (

    select
        person_key,
        group_code,
        entry_month,
        exit_code,
        case when exit_code not in ('never_observed', 'had_event') then observed_from_months end
            as observed_from_months,
        case
            when exit_code in ('first_job', 'degree_started') then event_months
            when exit_code in ('death', 'emigration') then gap_months
            when exit_code not in ('never_observed', 'had_event') then coalesce(gap_months - 1, last_months)
        end as duration_months
    from judged

),

final as (

    select
        person_key,
        group_code,
        entry_month,
        cast(observed_from_months as integer) as observed_from_months,
        cast(duration_months as integer) as duration_months,
        cast(duration_months - observed_from_months as integer) as person_months,
        exit_code
    from timed

)

select * from final
