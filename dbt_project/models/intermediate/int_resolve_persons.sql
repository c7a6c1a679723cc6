with registered as (

    select * from {{ ref('stg_dvv__persons') }}

),

clients as (

    select * from {{ ref('int_union_clients') }}

),

study as (

    select * from {{ ref('stg_reference__study') }}

),

linked_clients as (

    select clients.*
    from clients
    inner join study
        on clients.register = study.client_register
    where clients.person_key is not null

),

-- A person who came back has several client numbers: the first start makes the client, the values
-- are those of the number recorded last.
ranked_clients as (

    select
        *,
        min(started_on) over (partition by person_key) as first_started_on,
        row_number() over (
            partition by person_key
            order by started_on desc nulls last, client_key desc nulls last
        ) as recency
    from linked_clients

),

client_persons as (

    select * from ranked_clients
    where recency = 1

),

permits as (

    select * from {{ ref('int_union_permits') }}

),

-- The ground on which a person first had a permit; on one day the first in the alphabet.
ranked_permits as (

    select
        *,
        row_number() over (
            partition by person_key
            order by started_on asc nulls last, ground_code asc nulls last
        ) as rank_no
    from permits

),

first_permits as (

    select * from ranked_permits
    where rank_no = 1

),

known as (

    select person_key from registered
    union
    select person_key from client_persons

),

final as (

    select
        known.person_key,
        registered.person_key is not null as is_registered,
        client_persons.person_key is not null as is_client,
        client_persons.first_started_on as client_started_on,
        registered.sex_code,
        registered.birth_month,
        registered.mother_tongue_code,
        registered.citizenship_code,
        registered.birth_country_code,
        registered.origin_code,
        registered.marital_status_code,
        first_permits.ground_code as residence_ground_code,
        coalesce(registered.has_foreign_background, false) as has_foreign_background,
        client_persons.education_level_code,
        client_persons.finnish_level_code,
        registered.died_on,
        cast(coalesce(client_persons.weight, 1) as decimal(14, 4)) as weight
    from known
    left join registered
        on known.person_key = registered.person_key
    left join client_persons
        on known.person_key = client_persons.person_key
    left join first_permits
        on known.person_key = first_permits.person_key

)

select * from final
