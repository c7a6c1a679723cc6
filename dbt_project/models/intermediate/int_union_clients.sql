{{ union_models(client_models(), {
    'client_key': 'bigint',
    'person_key': 'bigint',
    'started_on': 'date',
    'education_level_code': 'string',
    'finnish_level_code': 'string',
    'weight': 'decimal(14, 4)'
}) }}
