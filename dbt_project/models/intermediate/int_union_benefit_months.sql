{{ union_models(benefit_models(), {
    'person_key': 'bigint',
    'benefit_group_code': 'string',
    'benefit_month': 'date',
    'amount_eur': 'decimal(14, 2)'
}) }}
