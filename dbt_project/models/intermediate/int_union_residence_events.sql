{{ union_models(residence_models(), {
    'person_key': 'bigint',
    'event_code': 'varchar',
    'event_on': 'date',
    'from_municipality_code': 'varchar',
    'municipality_code': 'varchar'
}) }}
