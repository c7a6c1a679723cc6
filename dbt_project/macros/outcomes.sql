{#- Generated from contracts/, studies/ and polku/outcomes/ by `polku contracts --write`; do not edit. -#}

{% macro benefit_groups() -%}
  {#- Groups of benefits that outcomes tell of; contracts give each benefit one. -#}
  {{ return(["unemployment", "integration", "social_assistance", "housing", "study", "family", "sickness", "pension"]) }}
{%- endmacro %}

{% macro service_channels() -%}
  {#- Channels of service use that outcomes tell of, in the order of their bits. -#}
  {{ return(["skills_centre", "integration_services", "employment_services", "integration_training", "information_service", "social_work", "education", "reception"]) }}
{%- endmacro %}
