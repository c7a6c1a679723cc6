{# Each cell counts as many persons as are listed as its members (`is_counted` where the list has the whole base), so that
   sketches of the members are of the persons behind the figure. With `at_most` a cell may count fewer than are listed. #}
{% test counts_agree_with_members(model, members, dimensions, count, counted='true', at_most=false) %}

with counted as (

    select
        {{ dimensions | join(', ') }},
        coalesce({{ count }}, 0) as persons,
        0 as persons_listed
    from {{ model }}
    union all
    select
        {{ dimensions | join(', ') }},
        0 as persons,
        1 as persons_listed
    from {{ members }}
    where {{ counted }}

)

select {{ dimensions | join(', ') }}
from counted
group by {{ dimensions | join(', ') }}
having sum(persons) {{ '>' if at_most else '<>' }} sum(persons_listed)

{% endtest %}
