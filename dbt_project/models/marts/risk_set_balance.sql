{%- set numbers = [
    'age_months', 'months_since_arrival', 'months_unemployed_24_before', 'months_employed_24_before',
    'months_in_service_24_before', 'months_studying_24_before'
] -%}
{%- set codes = ['sex_code', 'residence_ground_code', 'earlier_state_code'] -%}

with risk_sets as (

    select * from {{ ref('int_list_risk_sets') }}

),

matched as (

    select * from {{ ref('int_match_risk_sets') }}

),

subgroups as (

    select * from {{ ref('int_list_subgroups') }}

),

at_risk as (

    select
        subgroups.stratum_code,
        subgroups.subgroup_code,
        risk_sets.*
    from risk_sets
    inner join subgroups
        on
            risk_sets.person_key = subgroups.person_key
            and risk_sets.month_index = subgroups.month_index

),

counted as (

    select
        stratum_code,
        subgroup_code,
        month_index,
        cast(sum(case when is_entry then 1 else 0 end) as bigint) as clients,
        cast(sum(case when is_entry then 0 else 1 end) as bigint) as others
    from at_risk
    group by stratum_code, subgroup_code, month_index

),

-- Before matching all others of a month stand for its clients.
staged as (

    select
        'unmatched' as stage_code,
        at_risk.*,
        case when at_risk.is_entry then 1 else {{ quotient('counted.clients', 'counted.others') }} end as weight
    from at_risk
    inner join counted
        on
            at_risk.stratum_code = counted.stratum_code
            and at_risk.subgroup_code = counted.subgroup_code
            and at_risk.month_index = counted.month_index
    where counted.clients > 0 and counted.others > 0
    union all
    select
        'matched' as stage_code,
        at_risk.*,
        {{ as_number('matched.weight_60') }} as weight
    from at_risk
    inner join matched
        on
            at_risk.stratum_code = matched.stratum_code
            and at_risk.subgroup_code = matched.subgroup_code
            and at_risk.person_key = matched.person_key
            and at_risk.month_index = matched.entry_month_index

),

totals as (

    select
        stratum_code,
        subgroup_code,
        stage_code,
        is_entry,
        count(*) as persons,
        sum(weight) as weight
    from (
        select
            stratum_code,
            subgroup_code,
            stage_code,
            is_entry,
            person_key,
            sum(weight) as weight
        from staged
        group by stratum_code, subgroup_code, stage_code, is_entry, person_key
    ) as persons
    group by stratum_code, subgroup_code, stage_code, is_entry

),

long as (

    {% for covariate in numbers %}
    select
        stratum_code,
        subgroup_code,
        stage_code,
        is_entry,
        weight,
        '{{ covariate }}' as covariate_code,
        cast(null as string) as level_code,
        {{ as_number(covariate) }} as amount
    from staged
    where {{ covariate }} is not null
    union all
    {% endfor %}
    {% for covariate in codes %}
    select
        stratum_code,
        subgroup_code,
        stage_code,
        is_entry,
        weight,
        '{{ covariate }}' as covariate_code,
        coalesce({{ covariate }}, 'unknown') as level_code,
        {{ as_number('1') }} as amount
    from staged
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- Of a number the mean of those of whom it is known, of a code the share of all.
moments as (

    select
        long.stratum_code,
        long.subgroup_code,
        long.stage_code,
        long.covariate_code,
        long.level_code,
        long.is_entry,
        {{ quotient(
            'sum(long.weight * long.amount)',
            'case when long.level_code is null then sum(long.weight) else min(totals.weight) end'
        ) }} as mean,
        {{ quotient('sum(long.weight * long.amount * long.amount)', 'sum(long.weight)') }} as mean_square
    from long
    inner join totals
        on
            long.stratum_code = totals.stratum_code
            and long.subgroup_code = totals.subgroup_code
            and long.stage_code = totals.stage_code
            and long.is_entry = totals.is_entry
    group by
        long.stratum_code, long.subgroup_code, long.stage_code, long.covariate_code, long.level_code, long.is_entry

),

spread as (

    select
        *,
        case when level_code is null then mean_square - mean * mean else mean * (1 - mean) end as variance
    from moments

),

cells as (

    select distinct
        stratum_code,
        subgroup_code,
        stage_code,
        covariate_code,
        level_code
    from spread

),

paired as (

    select
        cells.stratum_code,
        cells.subgroup_code,
        cells.stage_code,
        cells.covariate_code,
        cells.level_code,
        coalesce(clients.mean, 0) as mean_client,
        coalesce(others.mean, 0) as mean_other,
        case when cells.level_code is null then {{ quotient('clients.variance', 'others.variance') }} end
            as variance_ratio,
        coalesce(unmatched.variance, 0) as client_variance
    from cells
    left join spread as clients
        on
            cells.stratum_code = clients.stratum_code
            and cells.subgroup_code = clients.subgroup_code
            and cells.stage_code = clients.stage_code
            and cells.covariate_code = clients.covariate_code
            and coalesce(cells.level_code, '') = coalesce(clients.level_code, '')
            and clients.is_entry
    left join spread as others
        on
            cells.stratum_code = others.stratum_code
            and cells.subgroup_code = others.subgroup_code
            and cells.stage_code = others.stage_code
            and cells.covariate_code = others.covariate_code
            and coalesce(cells.level_code, '') = coalesce(others.level_code, '')
            and not others.is_entry
    left join spread as unmatched
        on
            unmatched.stage_code = 'unmatched'
            and cells.stratum_code = unmatched.stratum_code
            and cells.subgroup_code = unmatched.subgroup_code
            and cells.covariate_code = unmatched.covariate_code
            and coalesce(cells.level_code, '') = coalesce(unmatched.level_code, '')
            and unmatched.is_entry

),

persons as (

    select
        stratum_code,
        subgroup_code,
        stage_code,
        sum(case when is_entry then persons end) as persons_client,
        sum(case when is_entry then 0 else persons end) as persons_other
    from totals
    group by stratum_code, subgroup_code, stage_code

),

final as (

    select
        paired.stratum_code,
        paired.subgroup_code,
        paired.stage_code,
        paired.covariate_code,
        paired.level_code,
        cast(persons.persons_client as bigint) as persons_client,
        cast(persons.persons_other as bigint) as persons_other,
        {{ ratio(
            'persons.persons_client',
            'max(persons.persons_client) over (partition by paired.stratum_code, paired.subgroup_code)'
        ) }} as share_of_clients,
        {{ rounded('paired.mean_client', 6) }} as mean_client,
        {{ rounded('paired.mean_other', 6) }} as mean_other,
        {{ rounded(
            quotient('paired.mean_client - paired.mean_other', 'sqrt(paired.client_variance)'), 6
        ) }} as standardised_difference,
        {{ rounded('paired.variance_ratio', 6) }} as variance_ratio
    from paired
    inner join persons
        on
            paired.stratum_code = persons.stratum_code
            and paired.subgroup_code = persons.subgroup_code
            and paired.stage_code = persons.stage_code

)

select * from final
