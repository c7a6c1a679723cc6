"""Errors that nobody foresaw leave no value of a row in what Dagster keeps, nor in what dbt writes."""

from __future__ import annotations

import traceback

import dagster as dg
import duckdb
import pytest
from dagster._utils.error import serializable_error_info_from_exc_info

from assets.quiet import without_values
from polku.errors import Exit, Refusal

SECRET = "131052-900W"


def kept(error: BaseException) -> str:
    info = serializable_error_info_from_exc_info((type(error), error, error.__traceback__))

    return info.to_string() + "".join(traceback.format_exception(error))


def test_a_message_that_quotes_a_value_is_withheld() -> None:
    with pytest.raises(dg.Failure) as failure, without_values():
        duckdb.sql(f"select cast(x as integer) from (values ('{SECRET}')) as t(x)").fetchall()
    assert "ConversionException" in str(failure.value)
    assert SECRET not in kept(failure.value)


def test_a_refusal_passes_in_its_own_words() -> None:
    with pytest.raises(Refusal, match="in words"), without_values():
        raise Refusal(Exit.GATE_CLOSED, "in words")
