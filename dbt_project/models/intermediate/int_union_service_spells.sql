{{ union_models(service_models(), {
    'person_key': 'bigint',
    'channel_code': 'string',
    'service_code': 'string',
    'started_on': 'date',
    'ended_on': 'date',
    'gap_days': 'integer'
}) }}
