{# The groups of benefits that outcomes are reported by; contracts give each benefit one of them. #}
{% macro benefit_groups() -%}
    {{ return([
        'unemployment', 'integration', 'social_assistance', 'housing', 'study', 'family', 'sickness', 'pension'
    ]) }}
{%- endmacro %}

{# The channels of service use that outcomes are reported by, in the order of their bits in seed service_channels. #}
{% macro service_channels() -%}
    {{ return([
        'skills_centre', 'integration_services', 'employment_services', 'integration_training', 'information_service',
        'social_work', 'education', 'reception'
    ]) }}
{%- endmacro %}
