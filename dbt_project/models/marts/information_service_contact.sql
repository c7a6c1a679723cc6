with contacts as (

    select * from {{ ref('stg_neuvonta__contacts') }}

),

study as (

    select * from {{ ref('stg_reference__study') }}

),

final as (

    select
        {{ month_index('contacts.contact_month') }} as month_index,
        contacts.contact_month,
        contacts.topic_code,
        contacts.channel_code,
        contacts.language_code,
        contacts.contacts
    from contacts
    cross join study
    where {{ month_index('contacts.contact_month') }} between study.first_month_index and study.last_month_index

)

select * from final
