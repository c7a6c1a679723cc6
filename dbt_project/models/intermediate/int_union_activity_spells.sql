{{ union_models(activity_models(), [
    'person_key', 'state_code', 'evidence_code', 'started_on', 'ended_on'
]) }}
