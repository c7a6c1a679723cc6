"""What counts as an outcome: definitions with a version, and the registers that can tell of them.

Belongs here: the catalogue and what contracts say of its outcomes. Does not belong here: computing outcomes of persons
(`dbt_project`), and publishing tables with their definitions (`polku.publication`).
"""

from polku.outcomes.catalogue import Outcome, load_catalogue
from polku.outcomes.evidence import Evidence, evidence_of, is_of_household
from polku.outcomes.use import parse_use

__all__ = ["Evidence", "Outcome", "evidence_of", "is_of_household", "load_catalogue", "parse_use"]
