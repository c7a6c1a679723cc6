{# How easily a person is found in a mart with rows of persons, over its `config.meta`:

     quasi_identifiers       columns that somebody may know of another person from elsewhere
     sensitive               columns that are to stay unknown; codes or yes and no (see docs/microdata.md)
     grain                   what a row is one of, person_key among it; person_key alone when nothing is said
     released_as_microdata   true for a mart that leaves the platform row by row; its tests must then be errors

   A class is the persons who agree in every quasi-identifier; a null is a value. The tests give back one row with one
   number of persons. The same measures are in `polku.disclosure.microdata`, and a test holds both together. #}

{# What the mart says of itself. Only when statements run: there is no graph while dbt parses. #}
{% macro microdata_meta(model) -%}
    {%- set found = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model')
        | selectattr('name', 'equalto', model.identifier) | list -%}
    {%- set meta = found[0].config.meta if found else {} -%}
    {%- if not meta.quasi_identifiers -%}
        {{ exceptions.raise_compiler_error(model.identifier ~ ' names no quasi_identifiers in its config.meta') }}
    {%- endif -%}
    {%- if meta.released_as_microdata and config.get('severity', 'error') | lower != 'error' -%}
        {{ exceptions.raise_compiler_error(model.identifier ~ ' is released as microdata: its tests need severity error') }}
    {%- endif -%}
    {{ return(meta) }}
{%- endmacro %}

{# Rows of a mart in which a person is once in each class (and once with each of the values `beside`). #}
{% macro persons_by(model, meta, beside=[]) -%}
    {%- set columns = meta.quasi_identifiers + beside -%}
    {%- set grain = meta.get('grain', ['person_key']) | reject('equalto', 'person_key') -%}
    select
        person_key,
        {{ columns | join(', ') }}
    from {{ model }}
    {%- if grain | reject('in', meta.quasi_identifiers) | list or (beside and grain | list) %}
    group by person_key, {{ columns | join(', ') }}
    {%- endif %}
{%- endmacro %}

{# One row: how many persons are in the classes of `bad`, a query that gives the quasi-identifiers of each. #}
{% macro persons_in_classes(model, meta, bad) -%}
    select cast(count(*) as bigint) as persons
    from (
        select rows_of_mart.person_key
        from {{ model }} as rows_of_mart
        inner join ({{ bad }}) as bad
            on
                {%- for column in meta.quasi_identifiers %}
                {{ 'and ' if not loop.first }}rows_of_mart.{{ column }} is not distinct from bad.{{ column }}
                {%- endfor %}
        group by rows_of_mart.person_key
    ) as found
{%- endmacro %}

{# Classes of fewer persons than the study's k. #}
{% macro classes_below_k(model, meta) -%}
    {%- set by = meta.quasi_identifiers | join(', ') -%}
    select {{ by }}
    from ({{ persons_by(model, meta) }}) as persons_of_classes
    group by {{ by }}
    having count(*) < (select max(microdata_k) from {{ ref('stg_reference__study') }})
{%- endmacro %}

{# Persons of each class by the value of a sensitive column, with those of the class, of the value and of all. #}
{% macro values_in_classes(model, meta, column) -%}
    {%- set by = meta.quasi_identifiers | join(', ') -%}
    select
        {{ by }},
        persons,
        {{ as_number('sum(persons) over (partition by ' ~ by ~ ')') }} as in_class,
        {{ as_number('sum(persons) over (partition by ' ~ column ~ ')') }} as with_value,
        {{ as_number('sum(persons) over ()') }} as in_all
    from (
        select
            {{ by }},
            {{ column }},
            {{ as_number('count(*)') }} as persons
        from ({{ persons_by(model, meta, [column]) }}) as persons_of_values
        group by {{ by }}, {{ column }}
    ) as counted
{%- endmacro %}

{# Classes with fewer values of a sensitive column than the study's l, or fewer equally frequent ones than its entropy l.
   The entropy is ln N - (sum of n ln n) / N. #}
{% macro classes_below_l(model, meta) -%}
    {%- set by = meta.quasi_identifiers | join(', ') -%}
    {% for column in meta.sensitive %}
    {{ 'union' if not loop.first }}
    select {{ by }}
    from ({{ values_in_classes(model, meta, column) }}) as values_of_classes
    group by {{ by }}
    having
        count(*) < (select max(microdata_l) from {{ ref('stg_reference__study') }})
        or ln(max(in_class)) - {{ quotient('sum(persons * ln(persons))', 'max(in_class)') }}
        < ln((select {{ as_number('max(microdata_entropy_l)') }} from {{ ref('stg_reference__study') }})) - 0.000000001
    {% endfor %}
{%- endmacro %}

{# Classes in which a sensitive column is distributed otherwise than among all by more than the study's t: the sum of what
   its values have too much of, which is half the sum of the differences. #}
{% macro classes_above_t(model, meta) -%}
    {%- set by = meta.quasi_identifiers | join(', ') -%}
    {% for column in meta.sensitive %}
    {{ 'union' if not loop.first }}
    select {{ by }}
    from ({{ values_in_classes(model, meta, column) }}) as values_of_classes
    group by {{ by }}
    having
        sum(greatest({{ quotient('persons', 'in_class') }} - {{ quotient('with_value', 'in_all') }}, 0))
        > (select {{ as_number('max(microdata_t)') }} from {{ ref('stg_reference__study') }}) + 0.000000001
    {% endfor %}
{%- endmacro %}

{# Persons alone in a combination of at most three quasi-identifiers: the first and the last person in it are the same. #}
{% macro persons_alone(model, meta) -%}
    {%- set columns = meta.quasi_identifiers -%}
    {%- set chosen = [] -%}
    {%- for i in range(columns | length) -%}
        {%- do chosen.append('(' ~ columns[i] ~ ')') -%}
        {%- for j in range(i) -%}
            {%- do chosen.append('(' ~ columns[j] ~ ', ' ~ columns[i] ~ ')') -%}
            {%- for k in range(j) -%}
                {%- do chosen.append('(' ~ columns[k] ~ ', ' ~ columns[j] ~ ', ' ~ columns[i] ~ ')') -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    select cast(count(*) as bigint) as persons
    from (
        select person_key
        from (
            select min(first_person) as person_key
            from (
                select
                    {{ columns | join(', ') }},
                    min(person_key) as first_person,
                    max(person_key) as last_person
                from {{ model }}
                group by {{ columns | join(', ') }}
            ) as classes
            group by grouping sets ({{ chosen | join(', ') }})
            having min(first_person) = max(last_person)
        ) as combinations
        group by person_key
    ) as alone
{%- endmacro %}
