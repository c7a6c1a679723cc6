{#- Generated from contracts/ and studies/ by `polku contracts --write`; do not edit. -#}

{% macro activity_models() -%}
  {#- Staging models that feed the activity timeline. -#}
  {{ return(["stg_kela__activity_spells", "stg_koski__activity_spells", "stg_ura__activity_spells"]) }}
{%- endmacro %}

{% macro benefit_models() -%}
  {#- Staging models that feed the benefit timeline. -#}
  {{ return(["stg_kela__benefit_months"]) }}
{%- endmacro %}

{% macro income_models() -%}
  {#- Staging models that feed the income timeline. -#}
  {{ return(["stg_vero__incomes"]) }}
{%- endmacro %}

{% macro residence_models() -%}
  {#- Staging models that feed the residence timeline. -#}
  {{ return(["stg_dvv__residence_events"]) }}
{%- endmacro %}

{% macro service_models() -%}
  {#- Staging models that feed the service timeline. -#}
  {{ return(["stg_osaamiskeskus__service_spells"]) }}
{%- endmacro %}
