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

-- Of a number the mean of those of whom it is known.
sums as (

    select
        {% for covariate in numbers %}
        sum(weight * {{ as_number(covariate) }}) as {{ covariate }}_sum,
        sum(weight * {{ as_number(covariate) }} * {{ as_number(covariate) }}) as {{ covariate }}_squares,
        sum(case when {{ covariate }} is not null then weight end) as {{ covariate }}_weight,
        {% endfor %}
        stratum_code,
        subgroup_code,
        stage_code,
        is_entry
    from staged
    group by stratum_code, subgroup_code, stage_code, is_entry

),

covariates as (

    {{ rows_of('covariate_code', numbers) }}

),

moments as (

    select
        sums.stratum_code,
        sums.subgroup_code,
        sums.stage_code,
        sums.is_entry,
        covariates.covariate_code,
        {{ by_code('covariates.covariate_code', numbers, 'sums.', '_sum') }} as total,
        {{ by_code('covariates.covariate_code', numbers, 'sums.', '_squares') }} as squares,
        {{ by_code('covariates.covariate_code', numbers, 'sums.', '_weight') }} as weight
    from sums
    cross join covariates

),

-- Of a code the share of all, those of whom it is not known among them.
coded as (

    select
        stratum_code,
        subgroup_code,
        stage_code,
        is_entry,
        {% for covariate in codes %}
        coalesce({{ covariate }}, 'unknown') as {{ covariate }},
        {% endfor %}
        weight
    from staged

),

levels as (

    select
        stratum_code,
        subgroup_code,
        stage_code,
        is_entry,
        case
            {% for covariate in codes %}
            when grouping({{ covariate }}) = 0 then '{{ covariate }}'
            {% endfor %}
        end as covariate_code,
        case
            {% for covariate in codes %}
            when grouping({{ covariate }}) = 0 then {{ covariate }}
            {% endfor %}
        end as level_code,
        sum(weight) as weight
    from coded
    group by grouping sets (
        {% for covariate in codes %}
        (stratum_code, subgroup_code, stage_code, is_entry, {{ covariate }}){{ ',' if not loop.last }}
        {% endfor %}
    )

),

spread as (

    select
        stratum_code,
        subgroup_code,
        stage_code,
        is_entry,
        covariate_code,
        cast(null as string) as level_code,
        {{ quotient('total', 'weight') }} as mean,
        {{ quotient('squares', 'weight') }} - {{ quotient('total', 'weight') }} * {{ quotient('total', 'weight') }}
            as variance
    from moments
    where weight is not null
    union all
    select
        levels.stratum_code,
        levels.subgroup_code,
        levels.stage_code,
        levels.is_entry,
        levels.covariate_code,
        levels.level_code,
        {{ quotient('levels.weight', 'totals.weight') }} as mean,
        {{ quotient('levels.weight', 'totals.weight') }} * (1 - {{ quotient('levels.weight', 'totals.weight') }})
            as variance
    from levels
    inner join totals
        on
            levels.stratum_code = totals.stratum_code
            and levels.subgroup_code = totals.subgroup_code
            and levels.stage_code = totals.stage_code
            and levels.is_entry = totals.is_entry

),

paired as (

    select
        stratum_code,
        subgroup_code,
        stage_code,
        covariate_code,
        level_code,
        coalesce(max(case when is_entry then mean end), 0) as mean_client,
        coalesce(max(case when not is_entry then mean end), 0) as mean_other,
        case
            when level_code is null then {{ quotient(
                'max(case when is_entry then variance end)', 'max(case when not is_entry then variance end)'
            ) }}
        end as variance_ratio,
        max(case when stage_code = 'unmatched' and is_entry then variance end) as unmatched_variance
    from spread
    group by stratum_code, subgroup_code, stage_code, covariate_code, level_code

),

-- Both stages are told in units of the clients' spread before matching.
scaled as (

    select
        *,
        coalesce(
            max(unmatched_variance) over (partition by stratum_code, subgroup_code, covariate_code, level_code), 0
        ) as client_variance
    from paired

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
        scaled.stratum_code,
        scaled.subgroup_code,
        scaled.stage_code,
        scaled.covariate_code,
        scaled.level_code,
        cast(persons.persons_client as bigint) as persons_client,
        cast(persons.persons_other as bigint) as persons_other,
        {{ ratio(
            'persons.persons_client',
            'max(persons.persons_client) over (partition by scaled.stratum_code, scaled.subgroup_code)'
        ) }} as share_of_clients,
        {{ rounded('scaled.mean_client', 6) }} as mean_client,
        {{ rounded('scaled.mean_other', 6) }} as mean_other,
        {{ rounded(
            quotient('scaled.mean_client - scaled.mean_other', 'sqrt(scaled.client_variance)'), 6
        ) }} as standardised_difference,
        {{ rounded('scaled.variance_ratio', 6) }} as variance_ratio
    from scaled
    inner join persons
        on
            scaled.stratum_code = persons.stratum_code
            and scaled.subgroup_code = persons.subgroup_code
            and scaled.stage_code = persons.stage_code

)

select * from final
