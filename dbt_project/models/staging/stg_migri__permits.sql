with applications as (

    select * from {{ source('landing', 'migri__applications') }}

),

decisions as (

    select * from {{ source('landing', 'migri__decisions') }}

),

permits as (

    select * from {{ source('landing', 'migri__permits') }}

),

citizenships as (

    select * from {{ source('landing', 'migri__citizenships') }}

),

case_types as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'migri' and list_name = 'case_type'

),

grounds as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'migri' and list_name = 'processing_grounds'

),

decision_types as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'migri' and list_name = 'decision_type'

),

latest_applications as (

    {{ latest_rows('applications', ['case_key']) }}

),

latest_decisions as (

    {{ latest_rows('decisions', ['case_key', 'level_code', 'decided_on', 'decision_type_code'], 'ended_on') }}

),

-- An open permit is delivered again when it ends, with the same ground and start.
latest_permits as (

    {{ latest_rows('permits', ['person_key', 'ground_code', 'started_on'], 'ended_on') }}

),

first_citizenships as (

    select
        person_key,
        min(granted_on) as granted_on
    from citizenships
    group by person_key

),

-- The ground that a case was about: its type tells it for protection and EU citizens, else what was applied for.
cases as (

    select
        latest_applications.case_key,
        coalesce(case_types.group_code, grounds.group_code) as ground_code
    from latest_applications
    inner join case_types
        on latest_applications.case_type_code = case_types.code
    inner join grounds
        on
            latest_applications.ground_code = grounds.code
            and {{ valid_on('grounds', 'latest_applications.initiated_month') }}

),

-- Of a case the last decision of the highest level stands.
ranked_decisions as (

    select
        latest_decisions.*,
        cases.ground_code as case_ground_code,
        row_number() over (
            partition by latest_decisions.case_key
            order by
                latest_decisions.level_code desc nulls last,
                latest_decisions.decided_on desc nulls last,
                latest_decisions.decision_type_code asc nulls last
        ) as rank_no
    from latest_decisions
    inner join cases
        on latest_decisions.case_key = cases.case_key

),

standing_decisions as (

    select * from ranked_decisions
    where rank_no = 1

),

granted as (

    select
        standing_decisions.person_key,
        case
            when decision_types.group_code = 'positive' then standing_decisions.case_ground_code else 'other'
        end as ground_code,
        coalesce(standing_decisions.started_on, standing_decisions.decided_on) as started_on,
        case
            when not coalesce(standing_decisions.is_permanent, false)
                then {{ half_open('standing_decisions.ended_on') }}
        end as ended_on,
        standing_decisions.cancelled_on,
        standing_decisions.delivery_id,
        standing_decisions.row_no
    from standing_decisions
    inner join decision_types
        on standing_decisions.decision_type_code = decision_types.code
    where decision_types.group_code in ('positive', 'positive_on_other_ground')

),

-- Permits of cases that the register has no decision of, most of them from the time before it.
undecided as (

    select
        latest_permits.person_key,
        grounds.group_code as ground_code,
        latest_permits.started_on,
        {{ half_open('latest_permits.ended_on') }} as ended_on,
        cast(null as date) as cancelled_on,
        latest_permits.delivery_id,
        latest_permits.row_no
    from latest_permits
    inner join grounds
        on
            latest_permits.ground_code = grounds.code
            and {{ valid_on('grounds', 'latest_permits.started_on') }}
    left join standing_decisions
        on latest_permits.case_key = standing_decisions.case_key
    where standing_decisions.case_key is null

),

united as (

    select * from granted
    union all
    select * from undecided

),

-- A permit ends with its validity, when it is cancelled, and when its holder becomes a citizen; least() skips nulls.
ended as (

    select
        united.person_key,
        united.ground_code,
        united.started_on,
        least(united.ended_on, united.cancelled_on, first_citizenships.granted_on) as ended_on,
        united.delivery_id,
        united.row_no
    from united
    left join first_citizenships
        on united.person_key = first_citizenships.person_key

),

final as (

    select * from ended
    where ended_on is null or ended_on > started_on

)

select * from final
