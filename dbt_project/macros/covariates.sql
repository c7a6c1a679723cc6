{# What persons may be compared by. #}

{# One row for each row of `rows` and covariate that is known; `covariates` are columns and their types. #}
{% macro covariate_rows(rows, covariates) -%}
    {% for column, kind in covariates.items() %}
    select
        person_key,
        '{{ column }}' as covariate_code,
        {%- if kind == 'varchar' %}
        cast(null as decimal(18, 4)) as value_number,
        {{ column }} as value_code
        {%- elif kind == 'boolean' %}
        cast(case when {{ column }} then 1 else 0 end as decimal(18, 4)) as value_number,
        cast(null as string) as value_code
        {%- else %}
        cast({{ column }} as decimal(18, 4)) as value_number,
        cast(null as string) as value_code
        {%- endif %}
    from {{ rows }}
    where {{ column }} is not null
    union all
    {% endfor %}
    select
        cast(null as bigint) as person_key,
        cast(null as string) as covariate_code,
        cast(null as decimal(18, 4)) as value_number,
        cast(null as string) as value_code
    where false
{%- endmacro %}
