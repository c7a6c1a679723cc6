{%- set outcomes = compared_outcomes() -%}
{#- Persons are left out in so many blocks; person keys are random, so the blocks are. -#}
{%- set blocks = 100 -%}

{#- Rows of a design. -#}
{%- set designs = {'two_groups': 'two_groups', 'own_gains_removed': 'whole', 'as_assigned': 'subgroups'} -%}

with person_outcomes as (

    select * from {{ ref('person_outcome') }}

),

followed as (

    select * from {{ ref('int_follow_risk_sets') }}

),

gains as (

    select * from {{ ref('int_estimate_gains') }}

),

-- Whoever is compared in several months counts once, by the first of them.
matched as (

    select
        stratum_code,
        subgroup_code,
        group_code,
        person_key,
        entry_month_index,
        {{ as_number('weight_60') }} as weight,
        {{ as_number('sum(weight_60) over (partition by stratum_code, subgroup_code, group_code, person_key)') }}
            as person_weight,
        row_number() over (
            partition by stratum_code, subgroup_code, group_code, person_key order by entry_month_index nulls last
        ) = 1 as is_first,
        person_key % {{ blocks }} as block_no
    from {{ ref('int_match_risk_sets') }}

),

two_groups as (

    select
        {{ outcomes_as_numbers() }}
        'all' as stratum_code,
        'all' as subgroup_code,
        case when group_code = 'client' then 'client' else 'other' end as group_code,
        {{ as_number('weight') }} as weight,
        {{ as_number('weight') }} as person_weight,
        true as is_first,
        person_key % {{ blocks }} as block_no,
        months_since_entry
    from person_outcomes

),

whole as (

    select
        {% for outcome in outcomes %}
        {{ as_number('followed.' ~ outcome) }} as {{ outcome }},
        case when followed.months_since_own_entry is null then 0 else {{ as_number('gains.' ~ outcome) }} end
            as {{ outcome }}_gain,
        {% endfor %}
        matched.*,
        followed.months_since_entry
    from followed
    inner join matched
        on
            followed.person_key = matched.person_key
            and followed.entry_month_index = matched.entry_month_index
    left join gains
        on followed.months_since_own_entry = gains.months_since_entry
    where matched.stratum_code = 'all'

),

subgroups as (

    select
        {% for outcome in outcomes %}
        {{ as_number('followed.' ~ outcome) }} as {{ outcome }},
        {% endfor %}
        matched.*,
        followed.months_since_entry
    from followed
    inner join matched
        on
            followed.person_key = matched.person_key
            and followed.entry_month_index = matched.entry_month_index
    where matched.stratum_code <> 'all'

),

-- What those who have entered gained by it is taken from them; nothing before. Sums are rounded, for they depend on
-- their order.
final as (

    {% for design, rows in designs.items() %}
    select
        {% for outcome in outcomes %}
        {% set told = '(' ~ outcome ~ ' - ' ~ outcome ~ '_gain)' if rows == 'whole' else outcome %}
        {% set known = 'case when ' ~ told ~ ' is not null then ' %}
        {{ round_to('sum(' ~ known ~ 'weight end)', 6) }} as {{ outcome }}_weight,
        {{ round_to('sum(weight * ' ~ told ~ ')', 6) }} as {{ outcome }}_sum,
        {{ round_to('sum(' ~ known ~ 'weight * person_weight end)', 6) }} as {{ outcome }}_squares,
        count(case when is_first then {{ outcome }} end) as {{ outcome }}_persons,
        count(case when is_first and {{ outcome }} <> 0 then 1 end) as {{ outcome }}_with,
        {% endfor %}
        '{{ design }}' as design_code,
        stratum_code,
        subgroup_code,
        group_code,
        block_no,
        months_since_entry
    from {{ rows }}
    group by stratum_code, subgroup_code, group_code, block_no, months_since_entry
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from final
