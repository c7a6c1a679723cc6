{{ union_models(service_models(), {
    'person_key': 'bigint',
    'channel_code': 'varchar',
    'service_code': 'varchar',
    'started_on': 'date',
    'ended_on': 'date',
    'gap_days': 'integer'
}) }}
