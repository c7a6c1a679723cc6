{{ union_models(permit_models(), {
    'person_key': 'bigint',
    'ground_code': 'string',
    'started_on': 'date',
    'ended_on': 'date'
}) }}
