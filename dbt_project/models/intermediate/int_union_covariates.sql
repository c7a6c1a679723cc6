{{ union_models(covariate_models(), {
    'person_key': 'bigint',
    'covariate_code': 'string',
    'value_number': 'decimal(18, 4)',
    'value_code': 'string'
}) }}
