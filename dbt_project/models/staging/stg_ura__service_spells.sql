with placements as (

    select * from {{ source('landing', 'ura__placements') }}

),

trials as (

    select * from {{ source('landing', 'ura__work_trials') }}

),

trainings as (

    select * from {{ source('landing', 'ura__trainings') }}

),

placement_codes as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'ura' and list_name = 'sijkds'

),

trial_codes as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'ura' and list_name = 'kokeilu'

),

course_types as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'ura' and list_name = 'kurslaji'

),

special_groups as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'ura' and list_name = 'erryhm' and group_code is not null

),

gaps as (

    select
        table_name,
        gap_days
    from {{ ref('stg_reference__coverage') }}
    where register = 'ura'

),

latest_placements as (

    {{ latest_rows('placements', ['person_key', 'placement_code', 'started_on'], 'ended_on') }}

),

latest_trials as (

    {{ latest_rows('trials', ['person_key', 'trial_code', 'started_on'], 'ended_on') }}

),

latest_trainings as (

    {{ latest_rows('trainings', ['person_key', 'course_key', 'started_on'], 'ended_on') }}

),

placed as (

    select
        latest_placements.person_key,
        placement_codes.channel_code,
        latest_placements.placement_code as service_code,
        latest_placements.started_on,
        latest_placements.ended_on,
        'placements' as table_name,
        latest_placements.delivery_id,
        latest_placements.row_no
    from latest_placements
    inner join placement_codes
        on
            latest_placements.placement_code = placement_codes.code
            and {{ valid_on('placement_codes', 'latest_placements.started_on') }}

),

tried as (

    select
        latest_trials.person_key,
        trial_codes.channel_code,
        latest_trials.trial_code as service_code,
        latest_trials.started_on,
        latest_trials.ended_on,
        'work_trials' as table_name,
        latest_trials.delivery_id,
        latest_trials.row_no
    from latest_trials
    inner join trial_codes
        on
            latest_trials.trial_code = trial_codes.code
            and {{ valid_on('trial_codes', 'latest_trials.started_on') }}

),

-- Selected is not begun, and a cancelled course was nobody's. A course for foreigners or for those who cannot read is
-- the integration training that other registers know under the same name.
trained as (

    select
        latest_trainings.person_key,
        coalesce(special_groups.channel_code, course_types.channel_code) as channel_code,
        coalesce(special_groups.group_code, latest_trainings.course_type_code) as service_code,
        latest_trainings.started_on,
        latest_trainings.ended_on,
        'trainings' as table_name,
        latest_trainings.delivery_id,
        latest_trainings.row_no
    from latest_trainings
    inner join course_types
        on
            latest_trainings.course_type_code = course_types.code
            and {{ valid_on('course_types', 'latest_trainings.started_on') }}
    left join special_groups
        on
            latest_trainings.special_group_code = special_groups.code
            and {{ valid_on('special_groups', 'latest_trainings.started_on') }}
    where
        coalesce(latest_trainings.start_code, '1') = '1'
        and latest_trainings.cancelled_code is null

),

united as (

    select * from placed
    union all
    select * from tried
    union all
    select * from trained

),

final as (

    select
        'ura' as register,
        united.person_key,
        united.channel_code,
        united.service_code,
        united.started_on,
        {{ half_open('united.ended_on') }} as ended_on,
        gaps.gap_days,
        united.delivery_id,
        united.row_no
    from united
    inner join gaps
        on united.table_name = gaps.table_name

)

select * from final
