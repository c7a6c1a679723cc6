with contacts as (

    select * from {{ source('landing', 'neuvonta__contacts') }}

),

latest as (

    {{ latest_rows('contacts', ['contact_no', 'topic_code']) }}

),

final as (

    select
        contact_month,
        channel_code,
        language_code,
        topic_code,
        count(*) as contacts
    from latest
    group by contact_month, channel_code, language_code, topic_code

)

select * from final
