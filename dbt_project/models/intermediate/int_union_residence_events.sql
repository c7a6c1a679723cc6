{{ union_models(residence_models(), {
    'person_key': 'bigint',
    'event_code': 'string',
    'event_on': 'date',
    'from_municipality_code': 'string',
    'municipality_code': 'string'
}) }}
