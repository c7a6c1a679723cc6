{{ union_models(permit_models(), ['person_key', 'ground_code', 'started_on', 'ended_on']) }}
