{{ union_models(earning_models(), {
    'person_key': 'bigint',
    'earning_month': 'date',
    'wages_eur': 'decimal(14, 2)'
}) }}
