"""A release appears whole, only when something changed, and says what it is."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from polku.disclosure import load_policy
from polku.disclosure.inexact.protections import Protection, guarantee
from polku.layout import DataRoot
from polku.publication import publish, publishing
from polku.publication.manifest import content, definition, digest_of, fingerprint
from tests.polku.publication.releases import context, coverage, espoo, espoo_context, study, tables


@pytest.fixture
def root(tmp_path: Path) -> DataRoot:
    return DataRoot("small", tmp_path)


def manifest(folder: Path) -> dict[str, Any]:
    entries: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return entries


def current(root: DataRoot) -> Path:
    return (root.published / "current").resolve()


def contents(folder: Path) -> dict[str, str]:
    return {file.name: digest_of(file) for file in folder.iterdir()}


def test_a_release_has_every_table_in_four_forms_its_definition_and_a_manifest(root: DataRoot) -> None:
    folder = publish(root, study(), tables(), context())
    assert current(root) == folder
    expected = {f"{name}.{form}" for name in tables() for form in ("csv", "parquet", "svg", "png", "md")}
    expected |= {f"coverage.{form}" for form in ("svg", "png", "md")}
    assert {file.name for file in folder.iterdir()} == {*expected, "report.html", "manifest.json"}


def test_the_newest_head_of_the_ledger_is_named_and_makes_no_release_another(root: DataRoot) -> None:
    assert publishing.head_of_ledger(root) == (0, "")
    first = publish(root, study(), tables(), context(ledger=(1, "aa")))
    assert publish(root, study(), tables(), context(ledger=(2, "bb"))) == first
    assert publishing.head_of_ledger(root) == (1, "aa")
    publish(root, study(test=False), tables(), context(ledger=(10, "cc")))
    assert publishing.head_of_ledger(root) == (10, "cc")


def test_the_manifest_says_what_from_what_and_by_which_rules(root: DataRoot) -> None:
    folder = publish(root, study(), tables(), context())
    entries = manifest(folder)
    assert (entries["study"], entries["test"], entries["code_version"]) == ("small", True, "c0ffee")
    assert entries["policy"]["threshold"] == 10
    assert entries["policy"]["sources"]
    assert entries["inputs"] == {"dvv-1": "ab" * 32}
    assert "ledger" not in entries
    shares = entries["tables"]["shares"]
    assert shares["title"]["fi"] == "Pääasiallinen toiminta"
    assert shares["definition"] == "One row per month and state."
    assert shares["columns"]["persons"] == "Persons in the state."
    assert "not a zero" in shares["columns"]["status"]
    digests = {name: entry["sha256"] for name, entry in entries["files"].items()}
    assert digests == {name: sha for name, sha in contents(folder).items() if name != "manifest.json"}


def test_outcomes_are_defined_beside_their_table_in_three_languages_and_for_machines() -> None:
    table, about = "outcome_by_months_since_entry", espoo_context()
    told = content(espoo(), about, {table: "00"})["tables"][table]["outcomes"]
    assert list(told) == [code for code, outcome in espoo().outcomes.items() if outcome.table == table]
    assert (told["benefit_housing"]["household"], told["benefit_pension"]["household"]) == (True, False)
    assert {r["register"] for r in told["earnings"]["registers"]} == {"vero", "tulorekisteri"}
    words = definition(espoo(), about.tables[table], about.policy)
    assert words.startswith("# Outcomes by months since entry / Tulemat kuukausittain palveluun tulosta / ")
    for outcome in told.values():
        assert all(
            outcome[part][language] in words for part in ("label", "rule", "unit") for language in outcome["rule"]
        )
    assert "## Outcomes" not in definition(espoo(), about.tables["state_share_by_month"], about.policy)


def test_another_version_of_a_definition_is_another_release() -> None:
    about, of = espoo_context(), espoo()
    changed = replace(of, outcomes={c: replace(o, version=o.version + 1) for c, o in of.outcomes.items()})
    digests = dict.fromkeys(about.tables, "00")
    assert fingerprint(content(changed, about, digests)) != fingerprint(content(of, about, digests))


def test_only_a_test_study_is_marked_as_test(root: DataRoot) -> None:
    folder = publish(root, study(test=False), tables(), context())
    assert not manifest(folder)["test"]
    assert "test_data" not in (folder / "shares.csv").read_text(encoding="utf-8")
    assert "TEST DATA" not in (folder / "shares.svg").read_text(encoding="utf-8")


def test_nothing_new_is_published_when_nothing_changed(root: DataRoot) -> None:
    first = publish(root, study(), tables(), context())
    before = contents(first)
    again = context(inputs={"dvv-2": "cd" * 32}, created_at=datetime(2025, 1, 3, 3, tzinfo=UTC))
    assert publish(root, study(), tables(), again) == first
    assert contents(first) == before
    assert {path.name for path in root.published.iterdir()} == {"current", first.name}


@pytest.mark.parametrize("change", ["figure", "policy", "mark", "coverage"])
def test_a_change_makes_a_new_release_beside_the_old(root: DataRoot, change: str) -> None:
    first = publish(root, study(), tables(), context())
    changes: dict[str, Any] = {
        "policy": {"policy": load_policy("threshold_5")},
        "coverage": {"coverage": coverage(dvv="immature")},
    }
    second = publish(
        root,
        study(test=change != "mark"),
        tables(61 if change == "figure" else 60),
        context(**changes.get(change, {})),
    )
    assert second != first
    assert current(root) == second
    assert (first / "manifest.json").exists()


def test_a_picture_of_figures_that_did_not_change_is_the_old_one_unless_somebody_changed_it(root: DataRoot) -> None:
    first = publish(root, study(), tables(), context())
    drawn = {name: (first / name).read_bytes() for name in ("shares.svg", "shares.png")}
    changed = context(coverage=coverage(dvv="immature"))
    second = publish(root, study(), tables(), changed)
    assert second != first
    assert {name: (second / name).read_bytes() for name in drawn} == drawn
    (second / "shares.svg").write_bytes(b"another picture")
    third = publish(root, study(), tables(), context(coverage=coverage(dvv="not_received")))
    assert {name: (third / name).read_bytes() for name in drawn} == drawn
    (third / "shares.png").unlink()
    fourth = publish(root, study(), tables(), context(coverage=coverage(dvv="purged")))
    assert {name: (fourth / name).read_bytes() for name in drawn} == drawn
    # Of other code it is drawn anew, and of other figures another one.
    newer = publish(root, study(), tables(), context(code_version="newer", coverage=coverage(dvv="observed")))
    assert {name: (newer / name).read_bytes() for name in drawn} == drawn
    assert (publish(root, study(), tables(61), changed) / "shares.svg").read_bytes() != drawn["shares.svg"]


@pytest.mark.parametrize("code", [None, "0123abc-dirty"])
def test_pictures_of_code_that_is_not_known_are_drawn_anew(root: DataRoot, code: str | None) -> None:
    first = publish(root, study(), tables(), context(code_version=code))
    drawn = (first / "shares.svg").read_bytes()
    manifest_ = manifest(first)
    (first / "shares.svg").write_bytes(b"of code that was changed since")
    manifest_["files"]["shares.svg"]["sha256"] = digest_of(first / "shares.svg")
    (first / "manifest.json").write_text(json.dumps(manifest_), encoding="utf-8")
    second = publish(root, study(), tables(), context(code_version=code, coverage=coverage(dvv="immature")))
    assert (second / "shares.svg").read_bytes() == drawn


def test_an_earlier_release_can_become_current_again(root: DataRoot) -> None:
    first = publish(root, study(), tables(), context())
    publish(root, study(), tables(61), context())
    assert publish(root, study(), tables(), context()) == first == current(root)


@pytest.mark.parametrize("step", ["write_table", "draw", "fingerprint", "write_report"])
def test_a_failure_on_the_way_leaves_the_old_release(
    root: DataRoot, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    first = publish(root, study(), tables(), context())
    before = contents(first)

    def fails(*args: Any, **kwargs: Any) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(publishing, step, fails)
        with pytest.raises(OSError, match="disk full"):
            publish(root, study(), tables(61), context())
    assert current(root) == first
    assert contents(first) == before
    assert {path.name for path in root.published.iterdir()} == {"current", first.name}


def test_what_a_killed_run_left_behind_is_cleared(root: DataRoot) -> None:
    (root.published / ".new-killed").mkdir(parents=True)
    (root.published / ".new-killed" / "shares.csv").write_text("half", encoding="utf-8")
    (root.published / ".new-current").symlink_to("nowhere")
    folder = publish(root, study(), tables(), context())
    assert {path.name for path in root.published.iterdir()} == {"current", folder.name}


def test_each_table_states_its_protection_in_the_manifest_and_beside_it_in_three_languages(root: DataRoot) -> None:
    noisy = replace(study(), protections={"shares": Protection.CELL_KEY})
    folder = publish(root, noisy, tables(), context())
    told = manifest(folder)["tables"]
    assert (told["shares"]["protection"], told["exits"]["protection"]) == ("cell_key", "gaps")
    for name, protection in (("shares", Protection.CELL_KEY), ("exits", Protection.GAPS)):
        promise = guarantee(protection, context().policy)
        assert told[name]["guarantee"] == {"en": promise.en, "fi": promise.fi, "sv": promise.sv}
        words = (folder / f"{name}.md").read_text(encoding="utf-8")
        assert all(text in words for text in told[name]["guarantee"].values())
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert all(text in unescape(report) for text in told["shares"]["guarantee"].values())
    assert told["exits"]["guarantee"]["en"] not in unescape(report), "hidden figures are explained once for all tables"


def test_a_mean_amount_says_why_it_may_be_missing() -> None:
    about = espoo_context()
    columns = content(espoo(), about, {"outcome_by_months_since_entry": "00"})["tables"]
    said = columns["outcome_by_months_since_entry"]["columns"]["mean_amount_eur"]
    assert said.startswith("Mean over the observed persons in euros")
    assert "few persons make up most of it" in said
