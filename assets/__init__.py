"""Dagster assets: what is made, and which gate stands before it.

Belongs here: thin assets that call the library and the gates, and what Dagster shows of them. Does not
belong here: business rules, longer SQL, and when things run (`orchestration`). dbt's process imports one
module of this package, so this file imports nothing.
"""
