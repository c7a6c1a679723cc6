{{ union_models(service_models(), [
    'register', 'person_key', 'channel_code', 'service_code', 'started_on', 'ended_on', 'gap_days'
]) }}
