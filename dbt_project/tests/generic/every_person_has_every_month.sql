{# Persons times months: every person of the cohort has a row in every month of the study window. #}
{% test every_person_has_every_month(model) %}

with expected as (

    select count(*) as persons from {{ ref('cohort') }}

),

months as (

    select count(*) as months from {{ ref('int_list_observed_months') }}

),

found as (

    select count(*) as person_months from {{ model }}

)

select found.person_months
from found
cross join expected
cross join months
where found.person_months <> expected.persons * months.months

{% endtest %}
