{{ union_models(exit_models(), [
    'register', 'person_key', 'exited_on', 'exit_group_code'
]) }}
