{{ union_models(benefit_models(), [
    'person_key', 'benefit_group_code', 'benefit_month', 'amount_eur'
]) }}
