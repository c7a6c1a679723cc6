-- A code of a list means one thing on any day.
with codes as (

    select
        *,
        row_number() over (
            partition by register, list_name, code
            order by valid_from_on nulls first, valid_to_on nulls last
        ) as period_no
    from {{ ref('stg_reference__codes') }}

)

select
    earlier.register,
    earlier.list_name,
    earlier.code
from codes as earlier
inner join codes as later
    on
        earlier.register = later.register
        and earlier.list_name = later.list_name
        and earlier.code = later.code
        and earlier.period_no < later.period_no
where
    (earlier.valid_to_on is null or later.valid_from_on is null or later.valid_from_on < earlier.valid_to_on)
