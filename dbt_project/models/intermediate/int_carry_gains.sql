{#- Entries of entries of entries: so many generations of later entrants that nothing is left of the last. -#}
{%- set generations = 15 -%}
{%- set outcomes = compared_outcomes() -%}

with shares as (

    select * from {{ ref('int_share_entrants') }}

),

entered as (

    select * from shares
    where from_month is not null

),

the_month_itself as (

    select
        {% for outcome in outcomes %}
        {{ as_number('1') }} as {{ outcome }},
        {% endfor %}
        months_since_entry,
        months_since_entry as from_month
    from shares
    group by months_since_entry

),

reached_1 as (

    select * from entered
    union all
    select * from the_month_itself

),

-- One and the shares times all generations so far: each is read once, since not every engine keeps what is read again.
{% for generation in range(2, generations + 1) %}
further_{{ generation }} as (

    {{ matrix_product('entered', 'reached_' ~ (generation - 1)) }}

),

reached_{{ generation }} as (

    select * from further_{{ generation }}
    union all
    select * from the_month_itself

),

{% endfor %}
-- Sums of doubles depend on their order: twelve decimals do not.
final as (

    select
        {% for outcome in outcomes %}
        {{ round_to('sum(' ~ outcome ~ ')', 12) }} as {{ outcome }},
        {% endfor %}
        months_since_entry,
        from_month
    from reached_{{ generations }}
    group by months_since_entry, from_month

)

select * from final
