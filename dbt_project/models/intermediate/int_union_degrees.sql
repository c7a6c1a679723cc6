{{ union_models(degree_models(), {
    'person_key': 'bigint',
    'degree_level_code': 'string',
    'completed_on': 'date'
}) }}
