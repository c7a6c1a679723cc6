with students as (

    select * from {{ source('landing', 'opiskelijat__students') }}

),

codes as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'opiskelijat' and list_name = 'opty'

),

latest as (

    {{ latest_rows('students', ['person_key', 'census_year', 'school_type_code']) }}

),

studied as (

    select
        latest.person_key,
        codes.state_code,
        latest.census_year,
        latest.delivery_id,
        latest.row_no
    from latest
    inner join codes
        on latest.school_type_code = codes.code
    where codes.state_code is not null

),

autumns as (

    select
        person_key,
        state_code,
        census_year
    from studied
    group by person_key, state_code, census_year

),

-- A student of 20 September studies in the autumn term, from August to December; one of the same kind of education a
-- year later has studied in the spring between too.
final as (

    select
        studied.person_key,
        studied.state_code,
        'opiskelijat' as evidence_code,
        {{ month_start('studied.census_year * 12 + 7') }} as started_on,
        case
            when autumns.person_key is null then {{ month_start('studied.census_year * 12 + 12') }}
            else {{ month_start('studied.census_year * 12 + 19') }}
        end as ended_on,
        studied.delivery_id,
        studied.row_no
    from studied
    left join autumns
        on
            studied.person_key = autumns.person_key
            and studied.state_code = autumns.state_code
            and studied.census_year + 1 = autumns.census_year

)

select * from final
