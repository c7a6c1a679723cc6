{{ union_models(exit_models(), {
    'person_key': 'bigint',
    'exited_on': 'date',
    'exit_group_code': 'string'
}) }}
