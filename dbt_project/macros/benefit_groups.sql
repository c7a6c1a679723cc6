{# The groups of benefits that outcomes are reported by; contracts give each benefit one of them. #}
{% macro benefit_groups() -%}
    {{ return([
        'unemployment', 'integration', 'social_assistance', 'housing', 'study', 'family', 'sickness', 'pension'
    ]) }}
{%- endmacro %}
