"""Primary rules: what may not be published by itself, each rule with its reason.

Belongs here: the rules, and the statement that finds every cell that breaks one. Does not belong here: what must be
hidden besides (secondary suppression), and the numbers, which are in `policy.toml`.
"""

from polku.disclosure.primary.amounts import unsafe_amounts, without_amounts
from polku.disclosure.primary.assess import PRIMARY, CellTable, assess
from polku.disclosure.primary.models import assess_survival, model_is_unsafe
from polku.disclosure.primary.released import small_bases, small_cells

__all__ = [
    "PRIMARY",
    "CellTable",
    "assess",
    "assess_survival",
    "model_is_unsafe",
    "small_bases",
    "small_cells",
    "unsafe_amounts",
    "without_amounts",
]
