{{ union_models(permit_models(), {
    'person_key': 'bigint',
    'ground_code': 'varchar',
    'started_on': 'date',
    'ended_on': 'date'
}) }}
