{%- set outcomes = compared_outcomes() -%}
{#- The rows of designs that are no others less something, and their weight. -#}
{%- set designs = {
    'two_groups': {'rows': 'two_groups', 'weight': 'weight'},
    'until_own_entry': {'rows': 'staying', 'weight': 'weight_60 * staying_weight'},
    'change_until_own_entry': {'rows': 'changed', 'weight': 'weight_60 * staying_weight'}
} -%}

with person_outcomes as (

    select * from {{ ref('person_outcome') }}

),

followed as (

    select * from {{ ref('int_weigh_risk_sets') }}

),

gains as (

    select * from {{ ref('int_estimate_gains') }}

),

two_groups as (

    select
        'all' as stratum_code,
        'all' as subgroup_code,
        person_key,
        case when group_code = 'client' then 'client' else 'other' end as group_code,
        months_since_entry,
        {{ outcomes_as_numbers() }}
        weight
    from person_outcomes

),

-- What those who have entered gained by it; nothing before.
gaining as (

    select
        followed.*,
        {% for outcome in outcomes %}
        case when followed.months_since_own_entry is null then 0 else {{ as_number('gains.' ~ outcome) }} end
            as {{ outcome }}_gain,
        {% endfor %}
        gains.months_since_entry as gain_month
    from followed
    left join gains
        on
            followed.stratum_code = gains.stratum_code
            and followed.subgroup_code = gains.subgroup_code
            and followed.months_since_own_entry = gains.months_since_entry

),

-- Sums of numbers, not of decimals: exact for what is counted, and half as long for what is paid.
matched_persons as (

    select
        {% for outcome in outcomes %}
        {% for group in ['client', 'other'] %}
        {{ as_number('nullif(' ~ sum_of_known('weight_60', group, outcome) ~ ', 0)') }}
            as {{ outcome }}_{{ group }}_weight,
        {{ sum_of_known(as_number('weight_60') ~ ' * ' ~ outcome, group, outcome) }}
            as {{ outcome }}_{{ group }}_sum,
        {% endfor %}
        {{ sum_of_known('weight_60 * ' ~ outcome ~ '_gain', 'other', outcome) }} as {{ outcome }}_gain_sum,
        count(
            case when group_code = 'other' and {{ outcome }} is not null and {{ outcome }}_gain is null then 1 end
        ) > 0
            as {{ outcome }}_gain_is_unknown,
        {% endfor %}
        stratum_code,
        subgroup_code,
        person_key,
        months_since_entry
    from gaining
    group by stratum_code, subgroup_code, person_key, months_since_entry

),

-- By subgroups too few stay to be told of.
staying as (

    select * from followed
    where stratum_code = 'all' and months_since_own_entry is null

),

bases as (

    select * from staying
    where months_since_entry = -1

),

changed as (

    select
        staying.stratum_code,
        staying.subgroup_code,
        staying.person_key,
        staying.group_code,
        staying.months_since_entry,
        staying.weight_60,
        {% for outcome in outcomes %}
        staying.{{ outcome }} - bases.{{ outcome }} as {{ outcome }},
        {% endfor %}
        staying.staying_weight
    from staying
    inner join bases
        on
            staying.person_key = bases.person_key
            and staying.entry_month_index = bases.entry_month_index

),

-- A person may be compared in several months, and be in both groups: what counts for the uncertainty is the person.
final as (

    select
        {% for outcome in outcomes %}
        {% for group in ['client', 'other'] %}
        {{ outcome }}_{{ group }}_weight,
        {{ outcome }}_{{ group }}_sum,
        {% endfor %}
        {% endfor %}
        'as_assigned' as design_code,
        stratum_code,
        subgroup_code,
        person_key,
        months_since_entry
    from matched_persons
    union all
    select
        {% for outcome in outcomes %}
        {{ outcome }}_client_weight,
        {{ outcome }}_client_sum,
        case when not {{ outcome }}_gain_is_unknown then {{ outcome }}_other_weight end as {{ outcome }}_other_weight,
        case when not {{ outcome }}_gain_is_unknown then {{ outcome }}_other_sum - {{ outcome }}_gain_sum end
            as {{ outcome }}_other_sum,
        {% endfor %}
        'own_gains_removed' as design_code,
        stratum_code,
        subgroup_code,
        person_key,
        months_since_entry
    from matched_persons
    union all
    {% for design, its in designs.items() %}
    select
        {% for outcome in outcomes %}
        {% for group in ['client', 'other'] %}
        {{ as_number('nullif(' ~ sum_of_known(its.weight, group, outcome) ~ ', 0)') }}
            as {{ outcome }}_{{ group }}_weight,
        {{ as_number(sum_of_known(its.weight ~ ' * ' ~ outcome, group, outcome)) }} as {{ outcome }}_{{ group }}_sum,
        {% endfor %}
        {% endfor %}
        '{{ design }}' as design_code,
        stratum_code,
        subgroup_code,
        person_key,
        months_since_entry
    from {{ its.rows }}
    group by stratum_code, subgroup_code, person_key, months_since_entry
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from final
