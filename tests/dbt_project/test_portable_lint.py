"""Models keep to SQL that DuckDB and Spark read alike; only macros in `portable.sql` and `spark.sql` know an engine.

Each rule carries an example that it must catch, so that a rule that catches nothing fails.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from polku.layout import CHECKOUT

PROJECT = CHECKOUT / "dbt_project"
MODELS = sorted(PROJECT.glob("models/**/*.sql"))
TESTS = sorted(PROJECT.glob("tests/**/*.sql"))
MACROS = sorted(path for path in PROJECT.glob("macros/*.sql") if path.name not in ("portable.sql", "spark.sql"))


@dataclass(frozen=True)
class Rule:
    """A pattern that portable SQL does not have, the reason, and an example."""

    why: str
    pattern: str
    example: str

    def breaks(self, sql: str) -> bool:
        return re.search(self.pattern, sql, re.IGNORECASE) is not None


ENGINE_FUNCTIONS = (
    "unnest|explode|sequence|generate_series|range|lateral|date_diff|datediff|date_add|date_sub|date_trunc|make_date|"
    "strftime|strptime|to_date|date_format|epoch|arg_min|arg_max|any_value|approx_[a-z_]+|list_[a-z_]+|array_[a-z_]+|"
    "collect_list|string_agg|listagg|struct_pack|regexp_[a-z_]+|hash|xxhash64|sha2?|sha256|md5|random|rand|uuid|"
    "read_parquet|getvariable|try_cast|last_value|current_date|current_timestamp|now"
)
EVERYWHERE = {
    "engine_function": Rule(
        "it is one engine's, or not the same on every run",
        rf"\b({ENGINE_FUNCTIONS})\s*\(",
        "select unnest (a)",
    ),
    "rounding": Rule("Spark rounds otherwise; macro round_to rounds", r"\bround\s*\(", "round(a, 2)"),
    "current_day": Rule("a rebuild must give the same rows", r"\bcurrent_(date|timestamp)\b", "where d < current_date"),
    "qualify": Rule("older Spark and Sail lack it", r"\bqualify\b", "from t qualify n = 1"),
    "backslash": Rule("Spark reads it as an escape", r"\\", r"where a like '\%'"),
    "double_quoted_identifier": Rule("Spark reads it as a text", r'"', 'select "a" from t'),
    "cast_by_colons": Rule("casts are written in one way", r"::", "select a::date"),
    "integer_division_sign": Rule("Spark writes div", r"//", "select a // 12"),
    "interval": Rule("date plus interval is a timestamp in DuckDB", r"\binterval\b", "d + interval 1 month"),
    "exclude": Rule("Spark writes except", r"\bexclude\b", "select * exclude (a)"),
    "varchar": Rule("Spark's has a length; string is DuckDB's too", r"\bas\s+varchar\b", "cast(a as varchar)"),
    "asof_join": Rule("Spark has none", r"\basof\b", "asof join b"),
}
IN_MODELS = {
    "floating_point": Rule("engines differ in the last bits", r"\b(double|float|real)\b", "cast(a as double)"),
    "division": Rule("its type differs; macros/ratio.sql divides", r"/", "select a / b"),
    "average": Rule("its type differs; sums are exact", r"\bavg\s*\(", "select avg(a)"),
    "distinct_count": Rule("flags as bits are 3 to 27 times faster", r"\bcount\s*\(\s*distinct\b", "count(distinct a)"),
}


def plain(sql: str) -> str:
    """SQL without comments; what Jinja writes becomes a word."""
    sql = re.sub(r"{#.*?#}", "", sql, flags=re.DOTALL)
    sql = re.sub(r"{%.*?%}", "", sql, flags=re.DOTALL)
    sql = re.sub(r"{{.*?}}", "jinja", sql, flags=re.DOTALL)
    return re.sub(r"--.*", "", sql)


def orders_without_nulls(sql: str) -> list[str]:
    """Terms of `order by` that leave the place of nulls to the engine."""
    terms = []
    for clause in re.split(r"\border\s+by\b", sql, flags=re.IGNORECASE)[1:]:
        while (flat := re.sub(r"\([^()]*\)", "", clause)) != clause:
            clause = flat
        ending = re.split(r"\)|\b(?:rows|range)\s+between\b|\n\n", clause)[0]
        terms += [term.strip() for term in ending.split(",")]
    return [term for term in terms if not re.search(r"\bnulls\s+(first|last)$", term)]


def broken(sql: str, rules: dict[str, Rule]) -> list[str]:
    return [f"{name}: {rule.why}" for name, rule in rules.items() if rule.breaks(sql)] + [
        f"order by {term}: engines place nulls differently" for term in orders_without_nulls(sql)
    ]


def name_of(path: Path) -> str:
    return str(path.relative_to(PROJECT))


@pytest.mark.parametrize("path", [*MODELS, *TESTS], ids=name_of)
def test_models_and_tests_are_portable(path: Path) -> None:
    assert broken(plain(path.read_text(encoding="utf-8")), EVERYWHERE | IN_MODELS) == []


@pytest.mark.parametrize("path", MACROS, ids=name_of)
def test_macros_name_no_engine(path: Path) -> None:
    assert broken(plain(path.read_text(encoding="utf-8")), EVERYWHERE) == []


@pytest.mark.parametrize("path", MODELS, ids=name_of)
def test_only_staging_reads_sources(path: Path) -> None:
    reads = re.search(r"\bsource\s*\(", path.read_text(encoding="utf-8")) is not None
    assert reads is (path.parent.name == "staging")


@pytest.mark.parametrize("name", EVERYWHERE | IN_MODELS)
def test_every_rule_catches_its_example(name: str) -> None:
    rules = EVERYWHERE | IN_MODELS
    assert rules[name].breaks(plain(rules[name].example))


@pytest.mark.parametrize(
    ("sql", "terms"),
    [
        ("sum(a) over (order by b)", ["b"]),
        ("sum(a) over (partition by c order by b nulls last, d rows between 1 preceding and current row)", ["d"]),
        ("select a from t order by coalesce(a, b) desc nulls first", []),
    ],
)
def test_order_without_nulls_is_found(sql: str, terms: list[str]) -> None:
    assert orders_without_nulls(sql) == terms
