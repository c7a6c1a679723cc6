{{ union_models(plan_models(), {
    'person_key': 'bigint',
    'plan_kind_code': 'string',
    'made_on': 'date',
    'started_on': 'date',
    'ended_on': 'date'
}) }}
