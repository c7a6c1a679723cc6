{#- Generated from contracts/, studies/ and polku/outcomes/ by `polku contracts --write`; do not edit. -#}

{% macro activity_models() -%}
  {#- Staging models that feed the activity timeline. -#}
  {{ return(["stg_kela__activity_spells", "stg_koski__activity_spells", "stg_opiskelijat__activity_spells", "stg_tulorekisteri__employment_spells", "stg_ura__activity_spells"]) }}
{%- endmacro %}

{% macro benefit_models() -%}
  {#- Staging models that feed the benefit timeline. -#}
  {{ return(["stg_hyvinvointialue__benefit_months", "stg_kela__benefit_months", "stg_toimeentulotuki__benefit_months"]) }}
{%- endmacro %}

{% macro client_models() -%}
  {#- Staging models that feed the client timeline. -#}
  {{ return(["stg_osaamiskeskus__clients"]) }}
{%- endmacro %}

{% macro covariate_models() -%}
  {#- Staging models that feed the covariate timeline. -#}
  {{ return(["stg_dvv__covariates", "stg_osaamiskeskus__covariates"]) }}
{%- endmacro %}

{% macro degree_models() -%}
  {#- Staging models that feed the degree timeline. -#}
  {{ return(["stg_koski__degrees", "stg_tutkinnot__degrees"]) }}
{%- endmacro %}

{% macro earning_models() -%}
  {#- Staging models that feed the earning timeline. -#}
  {{ return(["stg_tulorekisteri__earnings"]) }}
{%- endmacro %}

{% macro exit_models() -%}
  {#- Staging models that feed the exit timeline. -#}
  {{ return(["stg_osaamiskeskus__exits"]) }}
{%- endmacro %}

{% macro income_models() -%}
  {#- Staging models that feed the income timeline. -#}
  {{ return(["stg_vero__incomes"]) }}
{%- endmacro %}

{% macro permit_models() -%}
  {#- Staging models that feed the permit timeline. -#}
  {{ return(["stg_migri__permits"]) }}
{%- endmacro %}

{% macro plan_models() -%}
  {#- Staging models that feed the plan timeline. -#}
  {{ return(["stg_koto_aj__plans", "stg_koto_crm__plans", "stg_ura__plans"]) }}
{%- endmacro %}

{% macro residence_models() -%}
  {#- Staging models that feed the residence timeline. -#}
  {{ return(["stg_dvv__residence_events"]) }}
{%- endmacro %}

{% macro service_models() -%}
  {#- Staging models that feed the service timeline. -#}
  {{ return(["stg_ely_keha__service_spells", "stg_hyvinvointialue__service_spells", "stg_koto_crm__service_spells", "stg_kotokoulutus__service_spells", "stg_kuntakokeilu__service_spells", "stg_osaamiskeskus__service_spells", "stg_ura__service_spells", "stg_vastaanotto__service_spells"]) }}
{%- endmacro %}

{% macro table_of(model) -%}
  {#- The landed table out of which a staging model feeds its timeline. -#}
  {{ return({
  "stg_dvv__covariates": "persons",
  "stg_dvv__residence_events": "moves",
  "stg_ely_keha__service_spells": "participations",
  "stg_hyvinvointialue__service_spells": "client_spells",
  "stg_hyvinvointialue__benefit_months": "assistance",
  "stg_kela__activity_spells": "benefit_spells",
  "stg_kela__benefit_months": "payments",
  "stg_koski__activity_spells": "study_periods",
  "stg_koski__degrees": "study_rights",
  "stg_koto_aj__plans": "plans",
  "stg_koto_crm__plans": "plans",
  "stg_koto_crm__service_spells": "appointments",
  "stg_kotokoulutus__service_spells": "attendances",
  "stg_kuntakokeilu__service_spells": "client_spells",
  "stg_migri__permits": "decisions",
  "stg_opiskelijat__activity_spells": "students",
  "stg_osaamiskeskus__covariates": "clients",
  "stg_osaamiskeskus__clients": "clients",
  "stg_osaamiskeskus__exits": "exits",
  "stg_osaamiskeskus__service_spells": "services",
  "stg_toimeentulotuki__benefit_months": "assistance_months",
  "stg_tulorekisteri__employment_spells": "wage_reports",
  "stg_tulorekisteri__earnings": "wage_transactions",
  "stg_tutkinnot__degrees": "degrees",
  "stg_ura__activity_spells": "employment_spells",
  "stg_ura__plans": "plans",
  "stg_ura__service_spells": "placements",
  "stg_vastaanotto__service_spells": "lodgings",
  "stg_vero__incomes": "annual_incomes"
}[model]) }}
{%- endmacro %}

{% macro covariates_of(landed) -%}
  {#- Columns of a landed table by which persons may be compared, with their types. -#}
  {{ return({
  "dvv__persons": {
    "education_years": "bigint",
    "is_black": "boolean",
    "is_hispan": "boolean",
    "is_married": "boolean",
    "has_no_degree": "boolean",
    "earlier_wages": "decimal(14,4)",
    "last_wages": "decimal(14,4)"
  },
  "osaamiskeskus__clients": {
    "father_unemployed": "boolean",
    "gcse5eq": "boolean",
    "grammar_school": "boolean"
  }
}.get(landed, {})) }}
{%- endmacro %}
