"""Analysts' questions: answered from the snapshot, unable to do anything but read it."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from pathlib import Path

import pytest

from polku.cli import main
from polku.errors import Exit
from polku.layout import CHECKOUT, DataRoot
from polku.research import storage
from tests.polku.research import empty_marts

QUESTIONS = re.findall(r"```sql\n(.*?)```", (CHECKOUT / "docs" / "questions.md").read_text("utf-8"), re.DOTALL)

ROWS = """
insert into snapshot.marts.person_month (person_key, month, state_code, is_observed) values
    (1, '2020-01-01', 'unemployed', true), (1, '2020-02-01', 'employed', true),
    (2, '2020-01-01', 'not_observed', false), (2, '2020-02-01', 'employed', true);
insert into snapshot.marts.cohort (person_key, group_code, entry_month) values
    (1, 'client', '2020-01-01'), (2, 'never_client', '2020-01-01');
insert into snapshot.marts.person_outcome (person_key, group_code, months_since_entry, employed) values
    (1, 'client', 0, false), (1, 'client', 1, true), (2, 'never_client', 0, false), (2, 'never_client', 1, null);
insert into snapshot.marts.service_episode (person_key, channel_code, service_code, duration_days, end_observed)
    values (1, 'skills_centre', 'job_search', 30, true), (1, 'skills_centre', 'job_search', 10, false);
insert into snapshot.marts.state_transition_rate values
    ('unemployed', 'employed', 'statfin_v1', 'last_day', 1, 1, 1, 1);
insert into snapshot.marts.outcome_by_months_since_entry values
    ('client', 0, 'employed', 1, 0, 0, null), ('never_client', 0, 'employed', 1, 1, 1, null);
insert into snapshot.marts.person (person_key, sex_code, birth_month) values (1, 'a,b', '1990-05-01'), (2, null, null);
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataRoot:
    """A snapshot of empty marts, as dbt's contracts declare them, with a few rows."""
    monkeypatch.setenv("POLKU_DATA", str(tmp_path))
    root = DataRoot.of("small")
    root.path.mkdir()
    with storage.connect(root) as con:
        storage.attach(con, root, root.marts, "snapshot")
        empty_marts.make(con)
        con.execute(ROWS)
    return root


def ask(question: str, *options: str) -> int:
    return main(["query", "--study", "small", *options, question])


def test_there_are_five_ready_questions() -> None:
    assert len(QUESTIONS) == 5


@pytest.mark.parametrize("question", QUESTIONS, ids=range(1, len(QUESTIONS) + 1))
def test_ready_questions_have_an_answer(root: DataRoot, capfd: pytest.CaptureFixture[str], question: str) -> None:
    assert ask(question, "--csv") == Exit.OK
    out, err = capfd.readouterr()
    assert len(out.splitlines()) > 1
    assert err == ""


def test_csv_is_plain_and_alone_on_standard_output(root: DataRoot, capfd: pytest.CaptureFixture[str]) -> None:
    assert ask("select person_key, sex_code, birth_month from marts.person order by 1", "--csv") == Exit.OK
    out, err = capfd.readouterr()
    assert out == 'person_key,sex_code,birth_month\n1,"a,b",1990-05-01\n2,,\n'
    assert err == ""


def test_an_answer_without_rows_still_has_its_header(root: DataRoot, capfd: pytest.CaptureFixture[str]) -> None:
    assert ask('select person_key, 1 as "a,b" from person where false', "--csv") == Exit.OK
    assert capfd.readouterr().out == 'person_key,"a,b"\n'


def test_without_csv_a_table_is_printed_as_wide_as_the_terminal(
    root: DataRoot, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert ask("from person") == Exit.OK
    assert "1990-05-01" in capfd.readouterr().out


@pytest.mark.parametrize(
    "question",
    [
        "copy person to 'out.csv'",
        "attach 'other.duckdb'",
        "select * from read_csv('/etc/passwd')",
        "select * from glob('*')",
        "from '/etc/passwd'",
        "set threads = 1",
        "create table t as select 1",
        "delete from person",
        "select 1; select 2",
        "install json",
        "select * from question",
        "selec",
        "",
    ],
)
def test_nothing_but_reading_marts_is_possible(
    root: DataRoot, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    monkeypatch.chdir(root.path)
    before = {path for path in root.path.rglob("*") if path.is_file()}
    assert ask(question) == Exit.QUERY_FAILED
    out, err = capfd.readouterr()
    assert out == ""
    assert "QUERY_FAILED" in err
    assert {path for path in root.path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("options", [[], ["--csv"]])
def test_a_failing_question_shows_no_value(
    root: DataRoot, capfd: pytest.CaptureFixture[str], options: list[str]
) -> None:
    assert ask("select cast(sex_code as integer) from person", *options) == Exit.QUERY_FAILED
    out, err = capfd.readouterr()
    assert out == ""
    assert "ConversionException" in err
    assert "a,b" not in err


def test_a_mistaken_name_is_told_with_its_neighbours(root: DataRoot, capfd: pytest.CaptureFixture[str]) -> None:
    assert ask("select sex from person") == Exit.QUERY_FAILED
    assert "sex_code" in capfd.readouterr().err


@pytest.mark.parametrize(
    "question",
    [
        "select name, value from duckdb_settings()",
        "select database_name, path, options::varchar from duckdb_databases()",
    ],
)
def test_the_engine_does_not_tell_the_key(root: DataRoot, capfd: pytest.CaptureFixture[str], question: str) -> None:
    assert ask(question, "--csv") == Exit.OK
    out, err = capfd.readouterr()
    for purpose in ("database", "parquet"):
        key = storage._derived(root, purpose)
        assert base64.b64encode(key).decode() not in out + err
        assert key.hex() not in out + err


def test_a_list_has_no_place_in_csv(root: DataRoot, capfd: pytest.CaptureFixture[str]) -> None:
    assert ask("select [person_key] as keys from person", "--csv") == Exit.QUERY_FAILED
    out, err = capfd.readouterr()
    assert (out, "unnest" in err) == ("", True)


def test_without_a_snapshot_it_says_how_to_make_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POLKU_DATA", str(tmp_path))
    assert ask("select 1") == Exit.NO_SNAPSHOT
    assert "make nightly" in capfd.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_reader_that_leaves_early_is_no_error(root: DataRoot) -> None:
    code = "import sys; from polku.cli import main; sys.exit(main(sys.argv[1:]))"
    question = "select i, repeat('x', 200) as filler from range(200000) as numbers(i)"
    command = [sys.executable, "-c", code, "query", "--study", "small", "--csv", question]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=CHECKOUT) as process:
        assert process.stdout
        assert process.stdout.readline() == b"i,filler\n"
        process.stdout.close()
        assert process.stderr
        assert process.stderr.read() == b""
        assert process.wait() == Exit.OK
