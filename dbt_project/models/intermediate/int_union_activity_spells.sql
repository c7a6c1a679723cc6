{{ union_models(activity_models(), {
    'person_key': 'bigint',
    'state_code': 'varchar',
    'evidence_code': 'varchar',
    'started_on': 'date',
    'ended_on': 'date'
}) }}
