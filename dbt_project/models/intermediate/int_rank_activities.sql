with study as (

    select * from {{ ref('stg_reference__study') }}

),

priorities as (

    select state_priority.*
    from {{ ref('state_priority') }} as state_priority
    inner join study
        on state_priority.rule_set_code = study.rule_set_code

),

states as (

    select * from {{ ref('states') }}

),

evidence as (

    {% for model in activity_models() %}
    select
        '{{ register_of(model) }}' as evidence_code,
        {{ loop.index }} as evidence_no
    union all
    {% endfor %}
    select
        'earnings' as evidence_code,
        100 as evidence_no
    union all
    select
        'annual_income' as evidence_code,
        101 as evidence_no
    union all
    select
        'residence' as evidence_code,
        102 as evidence_no
    union all
    select
        'death' as evidence_code,
        103 as evidence_no

),

-- A priority for one kind of evidence stands before the one for any evidence (*).
applicable as (

    select
        evidence.evidence_code,
        evidence.evidence_no,
        priorities.state_code,
        coalesce(
            min(case when priorities.evidence_code <> '*' then priorities.priority end),
            min(priorities.priority)
        ) as priority
    from evidence
    inner join priorities
        on priorities.evidence_code in ('*', evidence.evidence_code)
    group by evidence.evidence_code, evidence.evidence_no, priorities.state_code

),

final as (

    select
        cast(row_number() over (
            order by applicable.priority nulls last, applicable.evidence_no nulls last
        ) as integer) as activity_rank,
        applicable.evidence_code,
        applicable.state_code,
        cast(states.state_bit as bigint) as state_bit
    from applicable
    inner join states
        on applicable.state_code = states.state_code

)

select * from final
