{{ union_models(covariate_models(), {
    'person_key': 'bigint',
    'covariate_code': 'varchar',
    'value_number': 'decimal(18, 4)',
    'value_code': 'varchar'
}) }}
