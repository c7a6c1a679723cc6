{{ union_models(residence_models(), [
    'person_key', 'event_code', 'event_on', 'from_municipality_code', 'municipality_code'
]) }}
