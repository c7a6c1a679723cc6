"""Every mode over the whole path: one partition of persons, and what each party can see and cannot compare."""

from __future__ import annotations

import itertools
import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from polku.errors import Exit, Refusal
from polku.exchange import keys, stretching
from polku.exchange.blinding import UNBLINDING
from polku.exchange.delivery import DATA, ID, LINK, Delivery, Heading, part_name
from polku.exchange.folders import mark
from polku.exchange.ledger import REFUSED, Ledger
from polku.exchange.package import Package, writing
from polku.exchange.parts import BLINDED, ELEMENT, ID_PARTS, LINK_PARTS, RELAY
from polku.exchange.payload import Payload, write_payload
from polku.research import opening
from tests.polku.parties import Parties

MODES = list(itertools.product((RELAY, BLINDED), (False, True)))

# Permanent and temporary codes, of each two persons who differ in the sign alone; and a second spelling.
CODES = {
    "010185-9501": "010185\u20139501",
    "010185W9501": "010185w9501",
    "131052-900W": "131052\u2212900w",
    "010190-999W": "010190-999w",
    "010190Y999W": "010190y999W",
}
PERSON_HEADER, SPELL_HEADER = "hetu;syntymapaiva;kieli", "tapaus;hetu;alku;selite"
LINES = {
    "persons": ("persons.csv", [PERSON_HEADER, *(f"{code};01.01.1990;k{n}" for n, code in enumerate(CODES))]),
    "jobs": ("spells.csv", [SPELL_HEADER, *(f"{n // 2};{code};;s{n}" for n, code in enumerate(CODES.values()))]),
}

Partition = set[frozenset[tuple[int, str, str]]]
"""Cells by entity: delivery, mark of the row, column."""


def written(folder: Path, mode: str, *, stretched: bool) -> Parties:
    """A small world in which both registers hold all codes."""
    parties = Parties(folder, mode=mode, stretched=stretched)
    for register, (file, lines) in LINES.items():
        parties.write(register, file, lines)
    return parties


def landed(parties: Parties, register: str) -> dict[str, list[dict[str, object]]]:
    """The rows of a delivery that has gone the whole way, and is remembered as landed."""
    delivery = parties.deliver(register)
    rows = parties.read(delivery)
    Ledger(parties.root.ledger).record(delivery, {})
    for path in delivery.files.values():
        path.unlink()
    return rows


def parts(parties: Parties) -> Iterator[tuple[Delivery, dict[str, object], dict[str, pa.Table]]]:
    """Each register delivered twice: what its data part's manifest says, and its id and link part as they were."""
    trust = parties.trust()
    for register in ("persons", "jobs", "persons", "jobs"):
        report = parties.seal(register)
        parties.send(report)
        parties.relay()
        (delivery,) = (d for d in opening.pending(parties.root, parties.study) if d.delivery_id == report.delivery_id)
        holders = {
            report.id_part: trust.own(keys.LINKAGE, parties.root.linkage),
            delivery.link: trust.own(keys.RESEARCH, parties.root.path),
            delivery.data: trust.own(keys.RESEARCH, parties.root.path),
        }
        read, said = {}, {}
        for path, holder in holders.items():
            with Package.verify(path, trust.signers) as package:
                kind = Heading.of(package).compartment
                payload = Payload(package.open(holder.opening), path.name)
                said[kind] = payload.manifest
                read[kind] = pa.concat_tables(reader.read_all() for _, reader in payload.tables())
        Ledger(parties.root.ledger).record(delivery, {})
        yield delivery, said, read


def partition(folder: Path, mode: str, persons: list[str], spells: list[str], *, stretched: bool) -> Partition:
    parties = Parties(folder, mode=mode, stretched=stretched)
    parties.write("persons", "persons.csv", [PERSON_HEADER, *persons])
    parties.write("jobs", "spells.csv", [SPELL_HEADER, *spells])
    cells = defaultdict(set)
    for number, register in enumerate(("persons", "jobs", "persons")):
        for rows in landed(parties, register).values():
            for row in rows:
                mark = str(row.get("language_code") or row.get("note"))
                for column in ("person_key", "case_key"):
                    if row.get(column) is not None:
                        cells[row[column]].add((number, mark, column))
    return {frozenset(entity) for entity in cells.values()}


spellings = st.sampled_from([*CODES, *CODES.values()])


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow], phases=[Phase.explicit, Phase.generate]
)
@given(
    persons=st.lists(spellings, min_size=1, max_size=5),
    spells=st.lists(st.tuples(st.sampled_from(["", "1", "2"]), spellings), min_size=1, max_size=6),
)
def test_every_mode_finds_the_same_persons(persons: list[str], spells: list[tuple[str, str]]) -> None:
    person_lines = [f"{code};01.01.1990;k{n}" for n, code in enumerate(persons)]
    spell_lines = [f"{case};{code};;s{n}" for n, (case, code) in enumerate(spells)]
    with TemporaryDirectory() as folder:
        found = [
            partition(Path(folder) / f"{mode}{stretched}", mode, person_lines, spell_lines, stretched=stretched)
            for mode, stretched in MODES
        ]
    assert found[0]
    assert all(other == found[0] for other in found[1:])


@pytest.mark.parametrize(("mode", "stretched"), MODES)
def test_headings_and_parts_are_those_of_the_mode(tmp_path: Path, mode: str, stretched: bool) -> None:
    parties = written(tmp_path, mode, stretched=stretched)
    for delivery, said, read in parts(parties):
        assert read[ID].schema == ID_PARTS[mode]
        assert read[LINK].schema == LINK_PARTS[mode]
        assert (UNBLINDING in said[DATA]) == (mode == BLINDED)  # type: ignore[operator]
        for path in delivery.files.values():
            with Package.verify(path, parties.trust().signers) as package:
                assert package.header["mode"] == mode + (f"+{stretching.COSTS}" if stretched else "")


def together(tables: Sequence[dict[str, pa.Table]], kind: str, column: str) -> list[set[bytes]]:
    return [set(table[kind][column].to_pylist()) for table in tables]


def test_the_linkage_unit_sees_nothing_twice_in_the_blinded_mode(tmp_path: Path) -> None:
    """Four deliveries of the same five persons: everything that could be compared is new in each of them."""
    read = [tables for _, _, tables in parts(written(tmp_path, BLINDED, stretched=False))]
    for kind, column in ((ID, "token"), (ID, "handle"), (LINK, "linked"), (LINK, "handle")):
        seen = together(read, kind, column)
        assert all(len(values) >= len(CODES) for values in seen)
        assert len(set.union(*seen)) == sum(map(len, seen)), (kind, column)


def test_in_the_default_mode_it_sees_the_same_tokens(tmp_path: Path) -> None:
    """What the blinded mode is for: the same check, and the same persons found by it."""
    read = [tables for _, _, tables in parts(written(tmp_path, RELAY, stretched=False))]
    persons, _, again, _ = together(read, ID, "token")
    assert persons == again


def test_what_undoes_the_blinding_is_in_the_sealed_rows_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    parties = written(tmp_path, BLINDED, stretched=False)
    caplog.set_level(logging.DEBUG)
    report = parties.seal("persons")
    parties.send(report)
    assert UNBLINDING not in report.manifest.as_json()
    said = [said for _, said, _ in parts(parties)]
    secrets = [each[DATA][UNBLINDING] for each in said]  # type: ignore[index]
    assert len(set(secrets)) == len(secrets)
    assert all(UNBLINDING not in each[kind] for each in said for kind in (ID, LINK))  # type: ignore[operator]
    left = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()) + caplog.text.encode()
    assert not any(secret.encode() in left or bytes.fromhex(secret) in left for secret in secrets)


def change_mode(parties: Parties) -> None:
    """What a steward can do who has lost the trust file: the command refuses it while there is one."""
    cards = parties.trust().cards.values()
    with pytest.raises(Refusal):
        parties.issue(mode=BLINDED)
    parties.root.trust.unlink()
    parties.issue(*cards, mode=BLINDED)


def test_a_part_of_a_mode_that_the_study_does_not_use_is_refused(tmp_path: Path) -> None:
    """The steward changes the trust file between sealing and relay: no token of the old mode is linked."""
    parties = written(tmp_path, RELAY, stretched=False)
    parties.send(parties.seal("persons"))
    change_mode(parties)
    assert [refusal.exit for refusal in parties.relay().refused] == [Exit.PACKAGE_WRONG_CONTRACT]


def test_a_mode_cannot_change_under_what_has_been_linked(tmp_path: Path) -> None:
    """In another mode every person would be a new one, without any error; the delivery waits instead."""
    parties = written(tmp_path, RELAY, stretched=False)
    landed(parties, "persons")
    change_mode(parties)
    delivery = parties.deliver("jobs")
    with pytest.raises(Refusal) as caught:
        parties.read(delivery)
    assert caught.value.exit is Exit.KEY_UNUSABLE
    assert caught.value.exit in opening.HELD


def hostile(parties: Parties, path: Path, kind: str, sender: str, **manifest: object) -> None:
    """Replace a part by one that its sender has genuinely signed, but that holds what is no element."""
    trust = parties.trust()
    recipient = keys.LINKAGE if kind == ID else keys.RESEARCH
    folders = {keys.LINKAGE: parties.root.linkage, keys.RESEARCH: parties.root.path}
    with Package.verify(path, trust.signers) as package:
        heading = Heading.of(package)
        payload = Payload(package.open(trust.own(recipient, folders[recipient]).opening), path.name)
        tables = [reader.read_all() for _, reader in payload.tables()]
    if kind != DATA:
        elements = pa.array([b"\xff" * 32] * tables[0].num_rows, ELEMENT)
        tables = [tables[0].set_column(2, tables[0].schema.field(2), elements)]
    path.unlink()
    signing = trust.own(sender, folders.get(sender, parties.root.authority(sender))).signing
    with writing(path, heading.as_json(), signing, trust.party(recipient).sealing_key) as out:
        write_payload(out, payload.manifest | manifest, [(table.schema, table.to_batches()) for table in tables])
    mark(path, out.digest)


def test_the_linkage_unit_refuses_what_is_no_element_and_counts_its_number_as_used(tmp_path: Path) -> None:
    parties = written(tmp_path, BLINDED, stretched=False)
    report = parties.seal("persons")
    parties.send(report)
    hostile(parties, parties.root.linkage / "inbox" / report.id_part.name, ID, "persons")
    assert [refusal.exit for refusal in parties.relay().refused] == [Exit.DELIVERY_INCOMPLETE]
    assert [entry.outcome for entry in Ledger(parties.root.linkage / "ledger.sqlite").entries()] == [REFUSED]


@pytest.mark.parametrize(
    ("kind", "sender", "manifest"),
    [(LINK, keys.LINKAGE, {}), (DATA, "persons", {UNBLINDING: "0" * 64}), (DATA, "persons", {UNBLINDING: None})],
)
def test_the_research_platform_refuses_what_is_no_element_or_no_scalar(
    tmp_path: Path, kind: str, sender: str, manifest: dict[str, object]
) -> None:
    parties = written(tmp_path, BLINDED, stretched=False)
    delivery = parties.deliver("persons")
    hostile(parties, parties.root.inbox / part_name(delivery.delivery_id, kind), kind, sender, **manifest)
    (delivery,) = opening.pending(parties.root, parties.study)
    with pytest.raises(Refusal) as caught:
        parties.read(delivery)
    assert caught.value.exit is Exit.DELIVERY_INCOMPLETE


def test_an_extract_that_is_too_large_to_stretch_is_refused_before_work_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parties = written(tmp_path, RELAY, stretched=True)
    monkeypatch.setattr(stretching, "STRETCHED_AT_MOST", len(CODES) + 2)
    parties.seal("persons")
    with pytest.raises(Refusal) as caught:
        parties.seal("jobs")  # five persons and three cases
    assert caught.value.exit is Exit.EXTRACT_BREAKS_CONTRACT
    assert not list(parties.root.authority("jobs").rglob("*.hpkg*"))


@pytest.mark.parametrize(("mode", "stretched"), MODES)
def test_every_party_says_that_a_strong_mode_is_unreviewed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: str, stretched: bool
) -> None:
    parties = written(tmp_path, mode, stretched=stretched)
    strong = (mode, stretched) != MODES[0]
    for step in (lambda: parties.send(parties.seal("persons")), parties.relay, lambda: landed(parties, "jobs")):
        caplog.clear()
        step()  # type: ignore[no-untyped-call]
        assert any("UNREVIEWED" in message for message in caplog.messages) == strong
