"""Reading an authority's CSV file by DuckDB as the contract says it is written. Nothing is guessed from the content.

Belongs here: encodings, title rows, header and footers of CSV. Does not belong here: columns of the contract
(`extracts`).
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path

import duckdb

from polku.authority.sources import HEADER_ROW, Cell, Source, unreadable
from polku.authority.transcoding import piped
from polku.contracts.model import Contract
from polku.errors import Exit, Refusal
from polku.sql_text import text

_OF_DUCKDB = {"utf-8": "utf-8", "iso8859-1": "latin-1"}
"""Encodings by Python's name that DuckDB reads by itself, and only strictly."""

_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_SAMPLE_BYTES = 1 << 20
_TAIL_BYTES = 1 << 16
_MOST_FOOTERS = 100


@contextmanager
def csv_source(con: duckdb.DuckDBPyConnection, contract: Contract, file: Path) -> Iterator[Source]:
    """The file's columns by the names of its header, to be read once within the `with`.

    At its end refuses a file that is not of the contract's encoding, and lines left out that are no footers.
    """
    format_, encoding = contract.file_format, _encoding(contract, file)
    names = _header(contract, file, encoding)
    fields = ", ".join(f"'c{i}': 'varchar'" for i in range(len(names)))
    with ExitStack() as stack:
        path = file if encoding in _OF_DUCKDB else stack.enter_context(_piped(con, contract, file, encoding))
        # Literals, since DuckDB fills a table more slowly from a statement with parameters.
        relation = (
            f"read_csv({text(str(path))}, auto_detect = false, header = true, skip = {format_.title_rows}, "
            f"columns = {{{fields}}}, delim = {text(format_.delimiter)}, quote = {text(format_.quote)}, "
            f"escape = {text(format_.quote)}, encoding = {text(_OF_DUCKDB.get(encoding, 'utf-8'))}"
            + (f", store_rejects = true, rejects_limit = {_MOST_FOOTERS})" if format_.footers else ")")
        )
        cells = [Cell(name, lambda _, i=i: f"c{i}") for i, name in enumerate(names)]  # type: ignore[misc]
        yield Source(relation, cells, HEADER_ROW + format_.title_rows + 1)


def short_footers(con: duckdb.DuckDBPyConnection, contract: Contract, file: Path, long: int) -> int:
    """How many footers DuckDB left out since they have fewer cells than the header.

    Refuses any other line that it left out, and footers, these and `long` ones, that are not the end of the file.
    """
    left_out = con.execute(
        "select line, any_value(csv_line), any_value(error_message) from reject_errors group by line order by line"
    ).fetchall()
    con.execute("drop table reject_errors; drop table reject_scans")
    refusals = [
        unreadable(contract, file, f"CSV Error on Line: {line} {why}")
        for line, said, why in left_out
        if not _is_footer(contract, str(said).strip("\r\n"))
    ]
    found = len(left_out) + long
    last = _last_lines(file, codecs.lookup(contract.file_format.encoding).name, found)
    if not refusals and sum(_is_footer(contract, line) for line in last) < found:
        refusals = [footer_within(contract, file)]
    if refusals:
        raise refusals[0]
    return len(left_out)


def footer_within(contract: Contract, file: Path, row_no: int | None = None) -> Refusal:
    """The refusal of a file in which a footer is not at the end: what comes after it could be another file's rows."""
    return Refusal(
        Exit.EXTRACT_BREAKS_CONTRACT,
        "a row begins with the text of a footer and is not at the end of the file.",
        "Files that were put together have to be exported as one, without sums in between.",
        register=contract.register,
        file=file.name,
        row_no=row_no,
    )


def _is_footer(contract: Contract, line: str) -> bool:
    return line.lstrip(contract.file_format.quote + " ").startswith(contract.file_format.footers)


def _last_lines(file: Path, encoding: str, count: int) -> list[str]:
    """The last lines that are not empty, as far as they are in the last part of the file."""
    with file.open("rb") as data:
        mark, size = data.read(2), data.seek(0, io.SEEK_END)
        # An even number of bytes from the start: a character of two bytes stays whole.
        data.seek(max(0, size - _TAIL_BYTES) // 2 * 2)
        tail = data.read()
    if encoding == "utf-16":
        encoding = "utf-16-be" if mark == codecs.BOM_UTF16_BE else "utf-16-le"
    lines = [line for line in tail.decode(encoding, errors="replace").splitlines() if line.strip()]
    return lines[len(lines) - count :]


@contextmanager
def _piped(con: duckdb.DuckDBPyConnection, contract: Contract, file: Path, encoding: str) -> Iterator[Path]:
    try:
        with piped(con, file, encoding) as path:
            yield path
    except UnicodeDecodeError:
        refusal = unreadable(contract, file, "not so encoded")
    else:
        return
    raise refusal


def _header(contract: Contract, file: Path, encoding: str) -> list[str]:
    format_ = contract.file_format
    # What cannot be decoded is no column of the contract; the rows are decoded strictly.
    with file.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding, errors="replace", newline="") as lines:
        rows = csv.reader(islice(lines, format_.title_rows, None), delimiter=format_.delimiter, quotechar=format_.quote)
        names = next(rows, [])
    return [name.strip() for name in names]


def _encoding(contract: Contract, file: Path) -> str:
    """Python's name of the contract's encoding. Refuses a file that is plainly written in another one."""
    encoding = codecs.lookup(contract.file_format.encoding).name
    with file.open("rb") as data:
        sample = data.read(_SAMPLE_BYTES)
    marked = next((its for mark, its in _MARKS.items() if sample.startswith(mark)), None)
    if marked not in (None, encoding):
        raise _of_another(contract, file, str(marked).upper())
    if encoding == "utf-16" and marked is None:
        raise _of_another(contract, file, "another encoding, or without a byte order mark")
    # Letters of one-byte encodings that happen to be UTF-8 throughout do not occur in words.
    if encoding not in ("utf-8", "utf-16") and not sample.isascii() and _is_utf8(sample):
        raise _of_another(contract, file, "UTF-8")
    return encoding


def _is_utf8(sample: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return False
    return True


def _of_another(contract: Contract, file: Path, encoding: str) -> Refusal:
    return Refusal(
        Exit.EXTRACT_BREAKS_CONTRACT,
        f"the file is written in {encoding}, the contract says {contract.file_format.encoding}.",
        "Export it in the contract's encoding, or have the contract changed when the source system has.",
        register=contract.register,
        file=file.name,
    )
