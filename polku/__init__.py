"""The Polku library: contracts, identifiers, tokens, packages, ledger, twin and disclosure control.

What an authority installs. Belongs here: rules and file formats that run without a data platform.
Does not belong here: anything that imports dagster, dbt or great_expectations.
"""

__version__ = "0.1.0"
