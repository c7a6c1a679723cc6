from __future__ import annotations

import fcntl
import shutil
import signal
from multiprocessing import get_context
from pathlib import Path

import pytest

from polku.disclosure.ledger.release_ledger import ReleaseLedger
from polku.errors import Exit, Refusal
from tests.polku.disclosure.ledger import killed
from tests.polku.disclosure.ledger.cells import present
from tests.polku.disclosure.ledger.three_releases import MEMBERS, RECORDS, append, draft, ledger_in


@pytest.fixture
def ledger(tmp_path: Path) -> ReleaseLedger:
    """Two releases and a withdrawal of the first."""
    made = ledger_in(tmp_path / "ledger")
    append(made, "aa", 1)
    append(made, "bb", 2)
    made.withdraw("aa", "an outlier was told")
    return made


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock")


def test_an_empty_ledger_needs_no_folder(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path / "ledger")
    assert ledger.entries() == []
    assert ledger.history() == {}
    assert ledger.head() == (0, "")
    assert not (tmp_path / "ledger").exists()


def test_what_was_written_is_read_again(ledger: ReleaseLedger, tmp_path: Path) -> None:
    first, second, withdrawn = ledger.entries()
    assert (first.no, first.kind, first.release, first.day) == (1, "release", "aa", "2026-03-01")
    assert (first.tables["areas"].columns, first.tables["areas"].cells) == (("persons",), 2)
    assert (withdrawn.kind, withdrawn.release, withdrawn.reason) == ("withdrawn", "aa", "an outlier was told")
    assert files(tmp_path / "ledger") == ["000001.parquet", "000002.parquet", "chain.jsonl"]
    told = ledger.cells(second).to_pydict()
    assert told["cell"] == ['["a"]', '["b"]']
    assert told["verdict"] == ["changed", "changed"]
    assert told["figures"] == [[50.0], [50.0]]


def test_a_withdrawn_release_is_still_compared_with(ledger: ReleaseLedger) -> None:
    first, second = ledger.history()["areas"]
    assert first.members.persons.tolist() == [30, 70]
    assert second.members.persons.tolist() == [50, 50]
    assert (first.members.sums == present(MEMBERS[1], RECORDS).members.sums).all()


def test_a_state_that_stands_has_its_sketch_where_it_began(ledger: ReleaseLedger) -> None:
    entry = append(ledger, "cc", 3)
    told = ledger.cells(entry).to_pydict()
    assert told["verdict"] == ["held", "held"]
    assert told["since"] == [2, 2]
    assert told["figures"] == [[50.0], [50.0]]
    assert told["members"] == [None, None]
    assert len(ledger.history()["areas"][2]) == 0


def test_a_withdrawal_needs_a_release_and_a_reason(ledger: ReleaseLedger) -> None:
    for release, reason in (("aa", "again"), ("zz", "unknown"), ("", "all of them"), ("bb", " ")):
        with pytest.raises(Refusal) as refused:
            ledger.withdraw(release, reason)
        assert refused.value.exit is Exit.USAGE
    assert len(ledger.entries()) == 3


# ------------------------------------------------------------------------------------------------------ tampering
def test_every_changed_byte_is_found(ledger: ReleaseLedger, tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    for file in ("chain.jsonl", "000001.parquet", "000002.parquet"):
        whole = (folder / file).read_bytes()
        step = 1 if file == "chain.jsonl" else 97
        for at in range(0, len(whole), step):
            (folder / file).write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            with pytest.raises(Refusal) as refused:
                ledger.entries()
            assert refused.value.exit is Exit.LEDGER_BROKEN
        (folder / file).write_bytes(whole)
    assert len(ledger.entries()) == 3


@pytest.mark.parametrize("lines", [0, 1])
def test_a_chain_that_was_cut_is_found_by_the_files_that_it_no_longer_names(
    ledger: ReleaseLedger, tmp_path: Path, lines: int
) -> None:
    chain = tmp_path / "ledger" / "chain.jsonl"
    chain.write_bytes(b"".join(chain.read_bytes().splitlines(keepends=True)[:lines]))
    with pytest.raises(Refusal) as refused:
        append(ledger, "cc", 3)
    assert refused.value.exit is Exit.LEDGER_BROKEN
    assert (tmp_path / "ledger" / "000002.parquet").exists()


@pytest.mark.parametrize("missing", ["chain.jsonl", "000001.parquet", "000002.parquet"])
def test_a_missing_file_is_found(ledger: ReleaseLedger, tmp_path: Path, missing: str) -> None:
    (tmp_path / "ledger" / missing).unlink()
    with pytest.raises(Refusal) as refused:
        ledger.entries()
    assert refused.value.exit is Exit.LEDGER_BROKEN


def test_a_ledger_put_back_whole_is_found_by_what_was_published(ledger: ReleaseLedger, tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    shutil.copytree(folder, tmp_path / "before")
    append(ledger, "cc", 3)
    no, chain = ledger.head()
    ledger.refuse_unless_it_holds(no, chain)
    ledger.refuse_unless_it_holds(0, "")
    shutil.rmtree(folder)
    for put_back in (False, True):
        if put_back:
            shutil.copytree(tmp_path / "before", folder)
        with pytest.raises(Refusal) as refused:
            ledger.refuse_unless_it_holds(no, chain)
        assert refused.value.exit is Exit.LEDGER_BROKEN


# ---------------------------------------------------------------------------------------------- killed, and two writers
@pytest.mark.parametrize("what", ["append", "withdraw"])
def test_killed_before_any_file_operation_the_next_run_repairs(tmp_path: Path, what: str) -> None:
    """In processes of their own, killed by the kernel; the first that lives through has no operation left to die of."""
    ledger = ledger_in(tmp_path / "start")
    append(ledger, "aa", 1)
    # Each begins as a copy of one process that has loaded everything.
    processes = get_context("forkserver")
    processes.set_forkserver_preload([killed.__name__])
    survived, fatal, outcomes = False, 0, set()
    while not survived:
        fatal += 1
        folder = tmp_path / f"killed_{fatal}"
        shutil.copytree(tmp_path / "start", folder)
        process = processes.Process(target=killed.main, args=(folder, fatal, what))
        process.start()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL)
        survived = process.exitcode == 0
        left = ledger_in(folder)
        outcomes.add(len(left.entries()))
        if len(left.entries()) == 1:
            append(left, "bb", 2)
        append(left, "cc", 3)
        assert [e.no for e in left.entries()] == [1, 2, 3]
        assert not list(folder.glob(".*.part"))
    assert outcomes == {1, 2}
    assert fatal > 4


def test_half_of_a_file_is_no_release(ledger: ReleaseLedger, tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    whole = (folder / "000002.parquet").read_bytes()
    (folder / ".000004.parquet.part").write_bytes(whole[: len(whole) // 2])
    (folder / ".chain.jsonl.part").write_bytes((folder / "chain.jsonl").read_bytes()[:-9])
    assert len(ledger.entries()) == 3
    assert append(ledger, "cc", 3).no == 4
    assert files(folder) == ["000001.parquet", "000002.parquet", "000004.parquet", "chain.jsonl"]


def test_two_writers_exclude_each_other(ledger: ReleaseLedger, tmp_path: Path) -> None:
    ready = draft(ledger, "cc", 3)
    with (tmp_path / "ledger" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Refusal) as refused:
            ledger.append(ready, (3, "unread"))
    assert refused.value.exit is Exit.ANOTHER_RUN


def test_a_decision_on_an_older_ledger_is_not_put_on_record(ledger: ReleaseLedger) -> None:
    head = ledger.head()
    ready = draft(ledger, "cc", 3)
    ledger.withdraw("bb", "another reason")
    with pytest.raises(Refusal) as refused:
        ledger.append(ready, head)
    assert refused.value.exit is Exit.ANOTHER_RUN
    assert len(ledger.entries()) == 4
