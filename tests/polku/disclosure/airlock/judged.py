"""Tables over invented members, judged without a platform.

Belongs here: members, descriptions and the way to a judgement. Does not belong here: what is expected of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from polku.disclosure import load_policy
from polku.disclosure.airlock.description import Description, parse_description
from polku.disclosure.airlock.earlier import Public
from polku.disclosure.airlock.judging import Judgement, judge
from polku.disclosure.airlock.recomputing import MEMBERS, Truth, recompute
from polku.disclosure.airlock.table_file import Offered, read_offered
from polku.disclosure.policy import Policy

POLICY = load_policy("threshold_5")
HEAD = 'title = "t"\npurpose = "p"\nanalyst = "a"\nsql = "s"\nmembers_sql = "m"\ncount = "n"\n'


def described(more: str = "", dimensions: str = "[dimensions.area]\n[dimensions.sex]\n") -> Description:
    return parse_description(HEAD + more + dimensions, "table.toml")


def members(cells: dict[tuple[str, ...], int], names: Sequence[str] = ("area", "sex")) -> pd.DataFrame:
    """So many persons by codes, everybody in one cell."""
    frame = pd.DataFrame([codes for codes, n in cells.items() for _ in range(n)], columns=list(names))
    return frame.assign(person_key=range(len(frame)))


def judged(
    folder: Path,
    description: Description,
    people: pd.DataFrame,
    csv: str,
    policy: Policy = POLICY,
    public: Sequence[Public] = (),
) -> Judgement:
    """The judgement of a file; its `sql` says what the members say."""
    file = folder / "table.csv"
    file.write_text(csv, encoding="utf-8")
    offered = read_offered(file, description)
    keys = np.random.default_rng(3).integers(0, 2**64, 2000, dtype=np.uint64)
    with duckdb.connect() as con:
        con.register(MEMBERS, people)
        con.register("records", pd.DataFrame({"person_key": range(2000), "record_key": keys}))
        truth = recompute(con, description, {name: list(offered.frame[name].unique()) for name in description.names})
        return judge(con, offered, truth, asked(truth, offered), "records", public, policy)


def asked(truth: Truth, offered: Offered) -> pd.DataFrame:
    """What a true `sql` answers."""
    return truth.cells.rename(columns={"persons_counted": truth.description.count})


def rules(judgement: Judgement) -> dict[str, set[tuple[str, ...]]]:
    """Cells by rule."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for reason in judgement.reasons:
        found.setdefault(reason.rule, set()).update(reason.codes)
    return found
