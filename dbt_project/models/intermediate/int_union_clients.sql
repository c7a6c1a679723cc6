{{ union_models(client_models(), {
    'client_key': 'bigint',
    'person_key': 'bigint',
    'started_on': 'date',
    'education_level_code': 'varchar',
    'finnish_level_code': 'varchar',
    'weight': 'decimal(14, 4)'
}) }}
