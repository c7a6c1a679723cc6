{{ union_models(client_models(), [
    'register', 'client_key', 'person_key', 'started_on', 'education_level_code', 'finnish_level_code', 'weight',
    'father_unemployed', 'gcse5eq', 'grammar_school'
]) }}
