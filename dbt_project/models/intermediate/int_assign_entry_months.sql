with persons as (

    select * from {{ ref('int_resolve_persons') }}
    where is_client and is_registered

),

spells as (

    select * from {{ ref('int_union_service_spells') }}

),

study as (

    select * from {{ ref('stg_reference__study') }}

),

comparison as (

    select * from {{ ref('int_find_eligible_persons') }}
    where not is_client

),

-- Of all services only those of the client register make an entry.
first_services as (

    select
        spells.person_key,
        min(spells.started_on) as started_on
    from spells
    inner join study
        on spells.register = study.client_register
    group by spells.person_key

),

client_entries as (

    select
        persons.person_key,
        {{ month_index('coalesce(first_services.started_on, persons.client_started_on)') }} as month_index,
        case when first_services.person_key is null then 'client_start' else 'first_service' end
            as entry_kind_code
    from persons
    left join first_services
        on persons.person_key = first_services.person_key

),

clients_by_month as (

    select
        month_index,
        count(*) as clients
    from client_entries
    group by month_index

),

-- Person keys are random, so their order is a random order of the persons.
ranked as (

    select
        person_key,
        row_number() over (order by person_key nulls last) as person_no,
        count(*) over () as persons
    from (select distinct person_key from comparison) as comparison_persons

),

resident_candidates as (

    select distinct
        comparison.person_key,
        clients_by_month.month_index,
        clients_by_month.clients
    from comparison
    inner join clients_by_month
        on clients_by_month.month_index between comparison.first_month_index and comparison.last_month_index

),

-- Who was eligible in no month in which a client entered draws from all of them.
candidates as (

    select * from resident_candidates
    union all
    select
        ranked.person_key,
        clients_by_month.month_index,
        clients_by_month.clients
    from ranked
    cross join clients_by_month
    where ranked.person_key not in (select resident_candidates.person_key from resident_candidates)

),

cumulated as (

    select
        person_key,
        month_index,
        sum(clients) over (partition by person_key order by month_index nulls last) as clients_until,
        sum(clients) over (partition by person_key) as clients_in_all
    from candidates

),

-- Person i of n gets the quantile (i - 1/2) / n of the clients' entry months among the candidates.
assigned as (

    select
        ranked.person_key,
        min(cumulated.month_index) as month_index,
        'assigned' as entry_kind_code
    from ranked
    inner join cumulated
        on
            ranked.person_key = cumulated.person_key
            and cast(cumulated.clients_until as bigint) * 2 * ranked.persons
            > cast(cumulated.clients_in_all as bigint) * (2 * ranked.person_no - 1)
    group by ranked.person_key

),

final as (

    select
        person_key,
        'client' as group_code,
        cast(month_index as integer) as entry_month_index,
        entry_kind_code
    from client_entries
    union all
    select
        person_key,
        'never_client' as group_code,
        cast(month_index as integer) as entry_month_index,
        entry_kind_code
    from assigned

)

select * from final
