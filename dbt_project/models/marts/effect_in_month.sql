{#- The months that are told: one that cannot be an effect, and how it begins, grows and lasts. -#}
{%- set months = [-12, -6, 0, 3, 6, 9, 12, 18, 24, 30, 36] -%}

with estimates as (

    select * from {{ ref('effect_by_months_since_entry') }}
    where
        span_code = 'month'
        and stratum_code = 'all'
        and design_code in ('as_assigned', 'own_gains_removed', 'until_own_entry')
        and outcome_code in ('employed', 'studying', 'degree_completed')
        and months_since_entry in ({{ months | join(', ') }})

),

-- What could not be compared is no effect, and has no figure.
final as (

    select
        outcome_code,
        design_code,
        months_since_entry,
        no_effect_code,
        case when coalesce(no_effect_code, 'before_entry') = 'before_entry' then persons_at_least end
            as persons_at_least,
        {{ rounded('difference', 3) }} as difference_share,
        {{ rounded('lower_bound', 3) }} as lower_share,
        {{ rounded('upper_bound', 3) }} as upper_share
    from estimates

)

select * from final
