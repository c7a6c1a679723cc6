with lodgings as (

    select * from {{ source('landing', 'vastaanotto__lodgings') }}

),

codes as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'vastaanotto' and list_name = 'service'

),

gap as (

    select gap_days from {{ ref('stg_reference__coverage') }}
    where register = 'vastaanotto' and table_name = 'lodgings'

),

latest as (

    {{ latest_rows('lodgings', ['person_key', 'lodged_on', 'filed_by_key']) }}

),

-- Who is on the books of any centre on the last day of a month is in reception for that month.
final as (

    select
        'vastaanotto' as register,
        latest.person_key,
        codes.channel_code,
        codes.code as service_code,
        {{ month_start(month_index('latest.lodged_on')) }} as started_on,
        {{ month_start(month_index('latest.lodged_on') ~ ' + 1') }} as ended_on,
        gap.gap_days,
        latest.delivery_id,
        latest.row_no
    from latest
    cross join codes
    cross join gap

)

select * from final
