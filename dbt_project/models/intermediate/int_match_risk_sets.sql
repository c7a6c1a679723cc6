{#- So many others of each side of a client are looked at, and so many of them taken. -#}
{%- set others = 5 -%}
{%- set caliper_sd = 0.2 -%}

with risk_sets as (

    select * from {{ ref('int_list_risk_sets') }}

),

scores as (

    select * from {{ ref('int_score_risk_sets') }}

),

subgroups as (

    select * from {{ ref('int_list_subgroups') }}

),

-- A client of a subgroup is compared with others of it: a score that makes all persons alike need not make some of them
-- so (Green and Stuart 2014, J. Consult. Clin. Psychol. 82).
-- Person keys are random: where scores are equal their order is a random one that stays.
scored as (

    select
        risk_sets.person_key,
        risk_sets.month_index,
        risk_sets.is_entry,
        subgroups.stratum_code,
        subgroups.subgroup_code,
        scores.entry_logit,
        stddev_samp(scores.entry_logit) over (
            partition by subgroups.stratum_code, subgroups.subgroup_code
        ) as logit_sd
    from risk_sets
    inner join scores
        on
            risk_sets.person_key = scores.person_key
            and risk_sets.month_index = scores.month_index
    inner join subgroups
        on
            risk_sets.person_key = subgroups.person_key
            and risk_sets.month_index = subgroups.month_index

),

placed as (

    select
        *,
        cast(sum(case when is_entry then 0 else 1 end) over (
            partition by stratum_code, subgroup_code, month_index
            order by entry_logit nulls last, is_entry nulls last, person_key nulls last
            rows between unbounded preceding and current row
        ) as bigint) as place_no
    from scored

),

-- The nearest others lie next to the client in the order of the scores, one at each place. The places are written out:
-- to look for them among all others of the month would take as long as the square of the persons.
sought as (

    select
        stratum_code,
        subgroup_code,
        person_key,
        month_index,
        entry_logit,
        logit_sd,
        {{ explode_range('place_no - ' ~ (others - 1), 'place_no + ' ~ others) }} as place_no
    from placed
    where is_entry

),

candidates as (

    select
        sought.stratum_code,
        sought.subgroup_code,
        sought.person_key as client_person_key,
        sought.month_index,
        compared.person_key,
        row_number() over (
            partition by sought.stratum_code, sought.subgroup_code, sought.person_key
            order by
                abs(compared.entry_logit - sought.entry_logit) asc nulls last,
                compared.entry_logit asc nulls last,
                compared.person_key asc nulls last
        ) as rank_no
    from sought
    inner join placed as compared
        on
            sought.stratum_code = compared.stratum_code
            and sought.subgroup_code = compared.subgroup_code
            and sought.month_index = compared.month_index
            and sought.place_no = compared.place_no
    where
        not compared.is_entry
        and abs(compared.entry_logit - sought.entry_logit) <= {{ caliper_sd }} * sought.logit_sd

),

matched as (

    select
        stratum_code,
        subgroup_code,
        client_person_key,
        month_index,
        person_key,
        count(*) over (partition by stratum_code, subgroup_code, client_person_key) as others
    from candidates
    where rank_no <= {{ others }}

),

-- In sixtieths, so that a half, a third, a quarter and a fifth are whole numbers and sums do not depend on their order.
final as (

    select distinct
        stratum_code,
        subgroup_code,
        client_person_key as person_key,
        month_index as entry_month_index,
        'client' as group_code,
        cast(60 as integer) as weight_60,
        {{ shard_of('client_person_key') }} as shard
    from matched
    union all
    select
        stratum_code,
        subgroup_code,
        person_key,
        month_index as entry_month_index,
        'other' as group_code,
        cast(sum({{ quotient('60', 'others') }}) as integer) as weight_60,
        {{ shard_of('person_key') }} as shard
    from matched
    group by stratum_code, subgroup_code, person_key, month_index

)

select * from final
