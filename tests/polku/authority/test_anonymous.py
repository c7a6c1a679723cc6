"""Tables whose rows name nobody: they travel and land like others, but without a handle and without a person."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from polku.contracts.model import Column, Table
from polku.errors import Exit, Refusal
from tests.polku.parties import PERSONS, TEXT, Parties, contract, small_study

CONTACTS = Table(
    name="contacts",
    file="contacts.csv",
    title=TEXT,
    grain="one row per contact",
    natural_key=("contact_no",),
    columns=(
        Column("numero", "contact_no", "integer", "counts", required=True),
        Column("paiva", "contact_month", "month", "when", coarsen="month"),
        Column("aihe", "topic_code", "code", "what", width=3),
    ),
    anonymous=True,
)
ROWS = [f"{no};{no % 28 + 1:02}.03.2021;{no % 900 + 100}" for no in range(1, 301)]


def seal(parties: Parties, rows: list[str]) -> None:
    parties.write("advice", "contacts.csv", ["numero;paiva;aihe", *rows])
    parties.send(parties.seal("advice"))


def world(path: Path, *tables: Table) -> Parties:
    return Parties(path, small_study(contract("advice", *tables)))


def test_rows_land_whole_and_name_nobody(tmp_path: Path) -> None:
    parties = world(tmp_path, CONTACTS)
    seal(parties, ROWS)
    assert set(parties.land().values()) == {None}
    landed = parties.landed("advice", "contacts")
    assert {row["contact_no"] for row in landed} == set(range(1, 301))
    assert [row["row_no"] for row in landed] == list(range(1, 301))
    assert {str(row["contact_month"]) for row in landed} == {"2021-03-01"}
    assert not any(name.endswith("_key") for name in landed[0])


def test_the_order_of_the_file_does_not_leave(tmp_path: Path) -> None:
    parties = world(tmp_path, CONTACTS)
    seal(parties, ROWS)
    parties.land()
    # In 300 rows at random the chance to keep this order is 1 to 300!.
    assert [row["contact_no"] for row in parties.landed("advice", "contacts")] != list(range(1, 301))


def test_no_row_at_all_is_a_delivery_too(tmp_path: Path) -> None:
    parties = world(tmp_path, CONTACTS)
    seal(parties, [])
    assert set(parties.land().values()) == {None}
    assert parties.landed("advice", "contacts") == []


def test_it_can_stand_beside_a_table_of_persons(tmp_path: Path) -> None:
    parties = world(tmp_path, CONTACTS, PERSONS)
    parties.write("advice", "persons.csv", ["hetu;syntymapaiva;kieli", "010190-999W;01.01.1990;fi"])
    seal(parties, ROWS)
    assert set(parties.land().values()) == {None}
    assert len(parties.landed("advice", "contacts")) == 300
    assert len(parties.landed("advice", "persons")) == 1


def test_an_identifier_in_it_stops_the_delivery_all_the_same(tmp_path: Path) -> None:
    text = Column("teksti", "remark", "text", "none", free_text="keep_after_scan")
    parties = world(tmp_path, replace(CONTACTS, columns=(*CONTACTS.columns, text)))
    parties.write("advice", "contacts.csv", ["numero;paiva;aihe;teksti", "1;01.03.2021;101;soitti 010190-999W"])
    with pytest.raises(Refusal) as refused:
        parties.seal("advice")
    assert (refused.value.exit, refused.value.column) == (Exit.IDENTIFIER_IN_DATA, "teksti")


@pytest.mark.parametrize("tables", [(CONTACTS,), (CONTACTS, PERSONS)], ids=["alone", "beside persons"])
def test_a_bridge_has_nothing_of_it(tmp_path: Path, tables: tuple[Table, ...]) -> None:
    parties = world(tmp_path, *tables)
    parties.write("advice", "persons.csv", ["hetu;syntymapaiva;kieli", "010190-999W;01.01.1990;fi"])
    seal(parties, ROWS)
    parties.land()
    parties.rotate_token_keys()
    parties.bridge("advice")
    seal(parties, ROWS[:200])
    assert set(parties.land().values()) == {None}
    assert len(parties.landed("advice", "contacts")) == 500
