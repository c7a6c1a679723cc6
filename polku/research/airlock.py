"""The output airlock of the platform: an analyst's table beside marts, record keys and all that is public.

Belongs here: reading the snapshot for a description, judging against the ledgers, and the order of check, approval and
release. Does not belong here: any rule (`polku.disclosure.airlock`), and the files that leave (`outputs`).

What an analyst wrote in SQL is run on the connection of `polku query`, which reads the snapshot and nothing else; the
answers are then counted on another one, which knows the record keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from polku.disclosure.airlock.description import Description, parse_description
from polku.disclosure.airlock.earlier import Public, near_to, public_of
from polku.disclosure.airlock.judging import Judgement, judge, rules_told
from polku.disclosure.airlock.proposing import HELPED_BY_MERGES, merges, protected_form
from polku.disclosure.airlock.queue import (
    APPROVED,
    CHECKED,
    DESCRIPTION,
    TABLE,
    Queue,
    Request,
    Standing,
    refuse_same,
    refuse_unless,
)
from polku.disclosure.airlock.recomputing import MEMBERS, recompute
from polku.disclosure.airlock.roles import read_roles, refuse_unless_checker
from polku.disclosure.airlock.table_file import Offered, as_csv, read_offered
from polku.disclosure.cells import Key, Status, code_of
from polku.disclosure.ledger.night import Plan
from polku.disclosure.ledger.states import NO_DAY, States
from polku.disclosure.policy import Policy, load_policy
from polku.errors import Exit, Refusal
from polku.layout import DataRoot
from polku.publication.manifest import fingerprint
from polku.research import storage
from polku.research.query import answer
from polku.research.record_keys import RECORDS
from polku.research.release_ledger import EncryptedCells, release_ledger
from polku.sql_text import quoted
from polku.studies import Study

ROLES = "roles.toml"
ROUNDS = 4
"""So often more is hidden before a proposal is given up."""


@dataclass(frozen=True)
class Checked:
    """What became of a table: its request, the judgement, and for a refused one a protected form (CSV) and words."""

    request: Standing
    judgement: Judgement
    protected: str | None
    proposals: tuple[str, ...]


def queue_of(root: DataRoot) -> Queue:
    """Queue and history of a study's outputs."""
    return Queue(root.airlock, EncryptedCells(root))


def check(root: DataRoot, study: Study, file: Path, description_file: Path) -> Checked:
    """Judge a table and put it on record. Refuses (USAGE) faults of table and description, (NO_SNAPSHOT) without marts
    and (QUERY_FAILED) SQL that fails; a table that may not leave is no refusal here but a request that was refused."""
    description = _read(description_file)
    policy = policy_of(description, study)
    offered = read_offered(file, description)
    with _judging(root, description, offered, policy) as (judgement, again):
        protected: str | None = None
        proposals: tuple[str, ...] = ()
        if judgement.reasons:
            candidate = _proposal(judgement, policy, again)
            protected = as_csv(candidate) if candidate else None
            if {reason.rule for reason in judgement.reasons} & set(HELPED_BY_MERGES):
                proposals = tuple(merges(judgement.truth, policy))
    details = Request(
        analyst=description.analyst,
        title=description.title,
        purpose=description.purpose,
        policy=fingerprint(asdict(policy)),
        profile=policy.profile,
        dimensions=description.names,
        columns=description.columns[len(description.names) :],
        cells_shown=int((~offered.is_gap).sum()),
        cells_hidden=int(offered.is_gap.sum()),
        content=judgement.content,
        notes=judgement.notes,
        rules=rules_told(judgement.reasons),
    )
    request = queue_of(root).record(details, as_csv(offered), description.text)
    return Checked(request, judgement, protected, proposals)


def approve(root: DataRoot, study: Study, no: int, by: str, undertaking: str) -> Standing:
    """Sign as the first person, once the table has been judged anew. Refuses (GATE_CLOSED) who may not, a file or marts
    that are not those of the check, and a table that may not leave any more."""
    queue = queue_of(root)
    request = _signable(root, queue, no, by, CHECKED)
    _judged_again(root, study, queue, request)
    return queue.approve(no, by, undertaking)


def release(root: DataRoot, study: Study, no: int, by: str) -> Standing:
    """Sign as the second person, once the table has been judged anew. Refuses as `approve` does."""
    queue = queue_of(root)
    request = _signable(root, queue, no, by, APPROVED)
    judgement = _judged_again(root, study, queue, request)
    return queue.release(no, by, _states(judgement, request))


def forced_by_outputs(root: DataRoot, planned: Plan, policy: Policy) -> dict[str, frozenset[Key]]:
    """Cells of tonight's tables whose new figure would tell of few persons beside a released output."""
    outputs = _public_outputs(root)
    forced = {}
    for name, decision in planned.decisions.items():
        present = decision.present
        if present.counted_only or not outputs:
            forced[name] = frozenset[Key]()
            continue
        near = near_to(present.members, outputs, policy.threshold)
        near |= near_to(present.complements, outputs, policy.threshold)
        table, spec = planned.tables[name]
        mask = (near & ~decision.kept & ~decision.stands)[: len(table)]
        rows = table.loc[mask, list(spec.dimensions)].itertuples(index=False)
        forced[name] = frozenset(tuple(code_of(code) for code in row) for row in rows)
    return forced


def policy_of(description: Description, study: Study) -> Policy:
    """The profile of an output. Refuses (USAGE) one that there is not, or that is milder than the study's."""
    own = load_policy(study.release_profile)
    if description.profile is None:
        return own
    try:
        asked = load_policy(description.profile)
    except Refusal as refusal:
        raise replace(refusal, exit=Exit.USAGE, column="profile") from None
    milder = (
        asked.threshold < own.threshold
        or (own.protect_zeros and not asked.protect_zeros)
        or (own.protect_complements and not asked.protect_complements)
    )
    if milder:
        what = f"the profile `{asked.profile}` is milder than the study's, `{own.profile}`."
        raise Refusal(Exit.USAGE, what, "Leave it out, or name a stricter one.", column="profile")
    return asked


# ------------------------------------------------------------------------------------------------------------ judging
def _read(file: Path) -> Description:
    try:
        return parse_description(file.read_text(encoding="utf-8"), file.name)
    except OSError as error:
        raise Refusal(Exit.USAGE, f"cannot be read ({error.strerror}).", file=str(file)) from None
    except UnicodeDecodeError:
        raise Refusal(Exit.USAGE, "is not UTF-8 text.", file=file.name) from None


class _Judge:
    """Judges forms of one table on one connection."""

    def __init__(
        self, con: duckdb.DuckDBPyConnection, first: Judgement, asked: pd.DataFrame, public: Sequence[Public]
    ) -> None:
        self._con, self._first, self._asked, self._public = con, first, asked, public

    def __call__(self, offered: Offered, policy: Policy) -> Judgement:
        return judge(self._con, offered, self._first.truth, self._asked, RECORDS, self._public, policy)


@contextmanager
def _judging(
    root: DataRoot, description: Description, offered: Offered, policy: Policy
) -> Iterator[tuple[Judgement, _Judge]]:
    """The judgement of a table, and what judges other forms of it."""
    members = _answer(root, description, "members_sql")
    statement = _answer(root, description, "sql")
    for column in description.columns:
        if column not in statement.column_names:
            raise Refusal(Exit.USAGE, "`sql` lacks a column that the description names.", column=column)
    public = [*_public_releases(root), *_public_outputs(root)]
    with storage.connect(root) as con:
        storage.attach(con, root, root.identities, "identities", read_only=True)
        con.register(MEMBERS, members)
        truth = recompute(con, description, {name: list(offered.frame[name].unique()) for name in description.names})
        asked = _with_texts(con, statement, description)
        first = judge(con, offered, truth, asked, RECORDS, public, policy)
        yield first, _Judge(con, first, asked, public)


def _answer(root: DataRoot, description: Description, key: str) -> pa.Table:
    try:
        with answer(root, getattr(description, key)) as relation:
            return relation.to_arrow_table()
    except Refusal as refusal:
        if refusal.exit is not Exit.QUERY_FAILED:
            raise
        raise replace(refusal, column=key) from None


def _with_texts(con: duckdb.DuckDBPyConnection, statement: pa.Table, description: Description) -> pd.DataFrame:
    con.register("airlock_statement", statement)
    names = [f"cast({quoted(name)} as varchar) as {quoted(name)}" for name in description.names]
    figures = [quoted(name) for name in description.columns[len(names) :]]
    return con.execute(f"select {', '.join([*names, *figures])} from airlock_statement").df()


def _proposal(judgement: Judgement, policy: Policy, again: _Judge) -> Offered | None:
    """A form of the table that may leave, if hiding cells makes one."""
    also: set[tuple[str, ...]] = set()
    for _ in range(ROUNDS):
        candidate = protected_form(judgement, policy, also)
        if candidate is None:
            return None
        found = again(candidate, policy)
        if not found.reasons:
            return candidate
        new = {codes for reason in found.reasons for codes in reason.codes} - also
        if not new:
            return None
        also |= new
    return None


# ------------------------------------------------------------------------------------------------------------ signing
def _signable(root: DataRoot, queue: Queue, no: int, by: str, state: str) -> Standing:
    request = queue.request(no)
    refuse_unless(request, state)
    refuse_same(request, by)
    refuse_unless_checker(read_roles(root.airlock / ROLES), by)
    return request


def _judged_again(root: DataRoot, study: Study, queue: Queue, request: Standing) -> Judgement:
    """The judgement of the table that was checked, by the marts and ledgers of now."""
    files = queue.files(request)
    description = parse_description(files[DESCRIPTION].read_text(encoding="utf-8"), DESCRIPTION)
    policy = policy_of(description, study)
    with _judging(root, description, read_offered(files[TABLE], description), policy) as (judgement, _):
        pass
    changed = judgement.content != request.details.content or fingerprint(asdict(policy)) != request.details.policy
    if judgement.reasons or changed:
        what = "the marts or the policy have changed since the check" if changed else "it may not leave any more"
        listing = "".join(f"\n  - {reason}" for reason in judgement.reasons)
        raise Refusal(Exit.GATE_CLOSED, f"request {request.no}: {what}.", f"Check the output again.{listing}")
    return judgement


def _states(judgement: Judgement, request: Standing) -> States:
    """The cells of an output as the history keeps them."""
    offered, cells = judgement.offered, len(judgement.keys)
    columns = request.details.columns
    today = np.datetime64(datetime.now(UTC).date())
    return States(
        columns,
        judgement.keys,
        offered.frame[list(columns)].to_numpy(np.float64),
        np.where(offered.is_gap, str(Status.SECONDARY), str(Status.OK)).astype(object),
        np.where(offered.is_gap, NO_DAY, today),
        np.full(cells, request.no),
        judgement.members,
        judgement.complements,
    )


def _public_releases(root: DataRoot) -> list[Public]:
    ledger = release_ledger(root)
    said = {name: table for entry in ledger.entries() for name, table in entry.tables.items()}
    history: Mapping[str, list[States]] = ledger.history()
    return [
        public
        for name, states in history.items()
        for public in public_of(name, said[name].dimensions, states, is_exact=said[name].protection is None)
    ]


def _public_outputs(root: DataRoot) -> list[Public]:
    return [
        public
        for no, (request, states) in queue_of(root).history().items()
        for public in public_of(f"output {no}", request.details.dimensions, [states])
    ]
