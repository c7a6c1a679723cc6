with persons as (

    select * from {{ source('landing', 'dvv__persons') }}

),

moves as (

    select * from {{ source('landing', 'dvv__moves') }}

),

origins as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'dvv' and list_name = 'syntyp2'

),

latest as (

    {{ latest_rows('persons', ['person_key']) }}

),

latest_moves as (

    {{ latest_rows('moves', ['person_key', 'moved_on', 'move_type_code', 'to_municipality_code']) }}

),

ranked_arrivals as (

    select
        person_key,
        citizenship_code,
        row_number() over (
            partition by person_key
            order by moved_on asc nulls last, citizenship_code asc nulls last
        ) as rank_no
    from latest_moves
    where move_type_code = '41'

),

arrivals as (

    select * from ranked_arrivals
    where rank_no = 1

),

-- Citizenship is that of the first immigration, since later ones are a result of settling in; where no immigration
-- tells it, a second citizenship of a Finn is what she came with.
-- Foreign background: by origin, or by a mother tongue other than Finnish, Swedish and Sami.
final as (

    select
        latest.person_key,
        latest.sex_code,
        latest.birth_month,
        latest.mother_tongue_code,
        coalesce(
            arrivals.citizenship_code,
            case when latest.citizenship_code = '246' then latest.second_citizenship_code end,
            latest.citizenship_code
        ) as citizenship_code,
        latest.birth_country_code,
        latest.origin_code,
        latest.marital_status_code,
        (
            coalesce(origins.group_code = 'foreign', false)
            or coalesce(latest.mother_tongue_code not in ('fi', 'sv', 'se'), false)
        ) as has_foreign_background,
        latest.died_on
    from latest
    left join arrivals
        on latest.person_key = arrivals.person_key
    left join origins
        on latest.origin_code = origins.code

)

select * from final
