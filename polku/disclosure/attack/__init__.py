"""The attacker: what follows from published tables, by exact reasoning over all of them as one system.

Belongs here: reading what is published, and every way to work out what is not. Does not belong here: hiding anything
(`polku.disclosure.protection`), with which nothing is shared but the reading of dimensions and cells.
"""
