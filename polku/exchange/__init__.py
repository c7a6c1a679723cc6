"""What all parties share: spelling of identifiers, tokens, keys, packages, deliveries and the ledger.

Belongs here: formats and rules that must be the same at every party. Does not belong here: what one party alone
does (`authority`, `linkage`, `research`).
"""
