{{ union_models(income_models(), {
    'person_key': 'bigint',
    'income_year': 'integer',
    'wages_eur': 'decimal(14, 2)'
}) }}
