{{ union_models(income_models(), [
    'person_key', 'income_year', 'wages_eur'
]) }}
