{#- Codes of the catalogue of outcomes, and their columns in person_outcome. -#}
{%- set flags = {'employed': 'employed', 'studying': 'studying', 'degree_completed': 'degree_completed'} -%}
{%- set amounts = {
    'earnings': 'earnings_2024_eur',
    'benefit_unemployment': 'benefit_unemployment_eur',
    'benefit_social_assistance': 'benefit_social_assistance_eur'
} -%}
{%- set outcomes = flags.keys() | list + amounts.keys() | list -%}
{#- The rows that a design compares, and their weight. -#}
{%- set designs = {
    'two_groups': {'rows': 'two_groups', 'weight': 'weight'},
    'as_assigned': {'rows': 'followed', 'weight': 'weight_60'},
    'until_own_entry': {'rows': 'staying', 'weight': 'weight_60 * staying_weight'},
    'change_until_own_entry': {'rows': 'changed', 'weight': 'weight_60 * staying_weight'}
} -%}

with person_outcomes as (

    select * from {{ ref('person_outcome') }}

),

followed as (

    select
        person_key,
        group_code,
        entry_month_index,
        months_since_entry,
        weight_60,
        is_before_own_entry,
        {% for outcome, column in flags.items() %}
        cast({{ column }} as integer) as {{ outcome }},
        {% endfor %}
        {% for outcome, column in amounts.items() %}
        {{ column }} as {{ outcome }},
        {% endfor %}
        staying_weight
    from {{ ref('int_follow_risk_sets') }}

),

balance as (

    select * from {{ ref('risk_set_balance') }}

),

two_groups as (

    select
        person_key,
        case when group_code = 'client' then 'client' else 'other' end as group_code,
        months_since_entry,
        {% for outcome, column in flags.items() %}
        cast({{ column }} as integer) as {{ outcome }},
        {% endfor %}
        {% for outcome, column in amounts.items() %}
        {{ column }} as {{ outcome }},
        {% endfor %}
        weight
    from person_outcomes

),

staying as (

    select * from followed
    where is_before_own_entry

),

bases as (

    select
        {% for outcome in outcomes %}
        {{ outcome }},
        {% endfor %}
        person_key,
        entry_month_index
    from staying
    where months_since_entry = -1

),

changed as (

    select
        staying.person_key,
        staying.group_code,
        staying.months_since_entry,
        staying.weight_60,
        {% for outcome in outcomes %}
        staying.{{ outcome }} - bases.{{ outcome }} as {{ outcome }},
        {% endfor %}
        staying.staying_weight
    from staying
    inner join bases
        on
            staying.person_key = bases.person_key
            and staying.entry_month_index = bases.entry_month_index

),

-- A person may be compared in several months, and be in both groups: what counts for the uncertainty is the person.
{% for design, its in designs.items() %}
{{ design }}_persons as (

    select
        {% for outcome in outcomes %}
        {% for group in ['client', 'other'] %}
        {{ sum_of_known(its.weight, group, outcome) }} as {{ outcome }}_{{ group }}_weight,
        {{ sum_of_known(its.weight ~ ' * ' ~ outcome, group, outcome) }} as {{ outcome }}_{{ group }}_sum,
        {% endfor %}
        {% endfor %}
        person_key,
        months_since_entry
    from {{ its.rows }}
    group by person_key, months_since_entry

),

{% endfor %}
person_sums as (

    {% for design in designs %}
    {% set last = loop.last %}
    {% for outcome in outcomes %}
    select
        '{{ design }}' as design_code,
        '{{ outcome }}' as outcome_code,
        person_key,
        months_since_entry,
        {{ as_number(outcome ~ '_client_weight') }} as client_weight,
        {{ as_number(outcome ~ '_client_sum') }} as client_sum,
        {{ as_number(outcome ~ '_other_weight') }} as other_weight,
        {{ as_number(outcome ~ '_other_sum') }} as other_sum
    from {{ design }}_persons
    where {{ outcome }}_client_weight > 0 or {{ outcome }}_other_weight > 0
    {{ 'union all' if not (last and loop.last) }}
    {% endfor %}
    {% endfor %}

),

compared as (

    select
        design_code,
        outcome_code,
        months_since_entry,
        count(client_weight) as persons_client,
        count(other_weight) as persons_other,
        least(
            count(case when client_sum <> 0 then 1 end),
            count(case when other_sum <> 0 then 1 end)
        ) as persons_with,
        least(
            count(case when client_sum <> client_weight then 1 end),
            count(case when other_sum <> other_weight then 1 end)
        ) as persons_without,
        sum(client_weight) as client_weight,
        sum(other_weight) as other_weight,
        {{ quotient('sum(client_sum)', 'sum(client_weight)') }} as mean_client,
        {{ quotient('sum(other_sum)', 'sum(other_weight)') }} as mean_other,
        {{ quotient('sum(other_weight) * sum(other_weight)', 'sum(other_weight * other_weight)') }}
            as effective_persons_other
    from person_sums
    group by design_code, outcome_code, months_since_entry
    having count(client_weight) > 1 and count(other_weight) > 1

),

-- How far the difference moves when a person is left out (jackknife by person).
contributions as (

    select
        person_sums.design_code,
        person_sums.outcome_code,
        person_sums.months_since_entry,
        person_sums.person_key,
        coalesce({{ quotient(
            'person_sums.client_sum - compared.mean_client * person_sums.client_weight',
            'compared.client_weight - person_sums.client_weight'
        ) }}, 0) - coalesce({{ quotient(
            'person_sums.other_sum - compared.mean_other * person_sums.other_weight',
            'compared.other_weight - person_sums.other_weight'
        ) }}, 0) as contribution
    from person_sums
    inner join compared
        on
            person_sums.design_code = compared.design_code
            and person_sums.outcome_code = compared.outcome_code
            and person_sums.months_since_entry = compared.months_since_entry

),

errors as (

    select
        design_code,
        outcome_code,
        months_since_entry,
        sqrt(sum(contribution * contribution)) as standard_error
    from contributions
    group by design_code, outcome_code, months_since_entry

),

-- Of the sum from the first month after the entry to the last of a year.
years as (

    select 12 as months
    union all
    select 24 as months
    union all
    select 36 as months

),

year_contributions as (

    select
        contributions.design_code,
        contributions.outcome_code,
        years.months,
        contributions.person_key,
        sum(contributions.contribution) as contribution
    from contributions
    inner join years
        on contributions.months_since_entry between 1 and years.months
    group by contributions.design_code, contributions.outcome_code, years.months, contributions.person_key

),

year_errors as (

    select
        design_code,
        outcome_code,
        months,
        sqrt(sum(contribution * contribution)) as standard_error
    from year_contributions
    group by design_code, outcome_code, months

),

spans as (

    select
        compared.design_code,
        compared.outcome_code,
        compared.months_since_entry,
        compared.persons_client,
        compared.persons_other,
        least(compared.persons_with, compared.persons_without) as persons_at_least,
        compared.effective_persons_other,
        compared.mean_client,
        compared.mean_other,
        'month' as span_code,
        compared.mean_client - compared.mean_other as difference,
        errors.standard_error
    from compared
    inner join errors
        on
            compared.design_code = errors.design_code
            and compared.outcome_code = errors.outcome_code
            and compared.months_since_entry = errors.months_since_entry
    union all
    select
        compared.design_code,
        compared.outcome_code,
        years.months as months_since_entry,
        min(compared.persons_client) as persons_client,
        min(compared.persons_other) as persons_other,
        least(max(compared.persons_with), max(compared.persons_without)) as persons_at_least,
        min(compared.effective_persons_other) as effective_persons_other,
        sum(compared.mean_client) as mean_client,
        sum(compared.mean_other) as mean_other,
        'since_entry' as span_code,
        sum(compared.mean_client - compared.mean_other) as difference,
        min(year_errors.standard_error) as standard_error
    from compared
    inner join years
        on compared.months_since_entry between 1 and years.months
    inner join year_errors
        on
            compared.design_code = year_errors.design_code
            and compared.outcome_code = year_errors.outcome_code
            and years.months = year_errors.months
    where compared.outcome_code not in ('degree_completed')
    group by compared.design_code, compared.outcome_code, years.months
    having count(*) = years.months

),

-- Bonferroni over the two years before the entry, in which nothing can be an effect: 95 per cent over all 24 months.
before as (

    select
        design_code,
        outcome_code,
        max(abs({{ quotient('difference', 'standard_error') }})) > 3.08 as differs_before
    from spans
    where months_since_entry < 0
    group by design_code, outcome_code

),

-- How many others there were for each client in the month of entry.
starts as (

    select
        design_code,
        outcome_code,
        {{ quotient('persons_other', 'persons_client') }} as others_per_client
    from compared
    where months_since_entry = 0

),

alike as (

    select
        count(*) > 0 as is_compared,
        coalesce(max(abs(standardised_difference)) <= 0.1, false) as is_balanced,
        coalesce(min(share_of_clients) >= 0.8, false) as is_supported
    from balance
    where stage_code = 'matched'

),

final as (

    select
        spans.design_code,
        spans.outcome_code,
        spans.span_code,
        spans.months_since_entry,
        spans.persons_client,
        spans.persons_other,
        spans.persons_at_least,
        {{ rounded('spans.effective_persons_other', 1) }} as effective_persons_other,
        {{ rounded('spans.mean_client', 6) }} as mean_client,
        {{ rounded('spans.mean_other', 6) }} as mean_other,
        {{ rounded('spans.difference', 6) }} as difference,
        {{ rounded('spans.standard_error', 6) }} as standard_error,
        {{ rounded('spans.difference - 1.959964 * spans.standard_error', 6) }} as lower_bound,
        {{ rounded('spans.difference + 1.959964 * spans.standard_error', 6) }} as upper_bound,
        case
            when spans.design_code = 'two_groups' then 'groups_differ'
            when not alike.is_supported then 'not_supported'
            when not alike.is_balanced then 'not_balanced'
            when spans.effective_persons_other < 100 then 'too_few_alike'
            when
                {{ quotient('spans.persons_other', 'spans.persons_client') }} < starts.others_per_client * 0.5
                then 'too_few_alike'
            when coalesce(before.differs_before, false) then 'differs_before'
            when spans.months_since_entry < 0 then 'before_entry'
        end as no_effect_code
    from spans
    cross join alike
    left join starts
        on
            spans.design_code = starts.design_code
            and spans.outcome_code = starts.outcome_code
    left join before
        on
            spans.design_code = before.design_code
            and spans.outcome_code = before.outcome_code

)

select * from final
