{{ union_models(activity_models(), {
    'person_key': 'bigint',
    'state_code': 'string',
    'evidence_code': 'string',
    'started_on': 'date',
    'ended_on': 'date'
}) }}
