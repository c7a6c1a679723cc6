"""What the report says of matched effects, and of subgroups above all."""

from __future__ import annotations

import pandas as pd
import pytest

from polku.contracts.model import LANGUAGES
from polku.disclosure import load_policy, protect
from polku.publication.report.effects import MONTHS, SUBGROUPS, YEARS, effects
from polku.publication.report.words import Words, texts
from tests.polku.publication.releases import espoo, espoo_context, release


def table(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows as they are released."""
    return protect(rows, espoo_context().tables[name].spec, load_policy("fi_study_v1"))


def shown(*, refused: bool = False) -> dict[str, pd.DataFrame]:
    """Men gain 1 to 3 months of work in two years; of women too few are clients, and few are hidden by their number."""
    at = {"outcome_code": "employed", "design_code": "as_assigned"}
    designs = ("as_assigned", "own_gains_removed", "until_own_entry")
    told = [{**at, "design_code": design, "no_effect_code": None, "persons_at_least": 80} for design in designs]
    month = pd.DataFrame(told).assign(months_since_entry=12, difference_share=0.1, lower_share=0.05, upper_share=0.15)
    year = pd.DataFrame(told).assign(months_since_entry=24, unit_code="months", difference=2.0)
    year = year.assign(lower_bound=1.0, upper_bound=3.0)
    codes = {"men": (None, 80), "women": ("too_few_clients", None), "age_18_29": (None, 0), "men-age_30_44": (None, 80)}
    if refused:
        codes = dict.fromkeys(codes, ("not_balanced", None))
    figures = ["difference", "lower_bound", "upper_bound", "lower_bound_of_all", "upper_bound_of_all"]
    subgroups = pd.DataFrame(
        [
            {
                **at,
                "months_since_entry": 24,
                "stratum_code": "sex" if code in ("men", "women") else "other",
                "subgroup_code": code,
                "unit_code": "months",
                "no_effect_code": reason,
                "intervals": 3,
                "persons_at_least": persons,
                **dict(zip(figures, [2.0, 1.0, 3.0, -0.5, 4.5] if reason is None else [None] * 5, strict=True)),
            }
            for code, (reason, persons) in codes.items()
        ]
    )
    return {MONTHS: table(MONTHS, month), YEARS: table(YEARS, year), SUBGROUPS: table(SUBGROUPS, subgroups)}


def said(tables: dict[str, pd.DataFrame], language: str = "en") -> str:
    section = effects(release(shown=tables), Words(language, texts(), espoo()))
    return str(section).replace("\\xa0", " ")


def test_of_the_whole_those_who_have_not_entered_are_told_first() -> None:
    text = said(shown())
    assert "more weeks in the first 24 months, compared with alike persons until these entered themselves" in text
    assert "right only as far as the service helps later entrants as much as it helped the clients" in text
    tables = shown()
    for name in (MONTHS, YEARS):
        tables[name] = tables[name][tables[name].design_code == "as_assigned"]
    text = said(tables)
    assert "more weeks in the first 24 months, compared with alike persons of whom some entered later" in text
    assert "later entrants as much" not in text


def test_each_subgroup_has_its_interval_that_of_all_or_a_reason() -> None:
    text = said(shown())
    assert "Cell(text='Men', scope='row'" in text
    assert "from 4.3 to 13" in text  # weeks of 1 and 3 months
    assert "from -2.2 to 20" in text
    assert "Cell(text='Men, aged 30" in text
    assert "too few clients" in text
    assert "fewer than a hundred clients" in text
    hidden = text[text.index("Cell(text='aged 18") :]
    assert hidden.index("hidden") < hidden.index("Cell(text='Men'")


@pytest.mark.parametrize("language", LANGUAGES)
def test_many_comparisons_are_cautioned_against(language: str) -> None:
    text = said(shown(), language)
    caution = getattr(texts()["effects.many"], language).format(months="24", intervals="3")
    assert caution in text
    assert text.index(caution) < text.index(getattr(texts()["code.men"], language))


def test_without_any_interval_no_table_is_opened() -> None:
    text = said(shown(refused=True))
    assert "No subgroup was large enough" in text
    assert "Cell(text='Men'" not in text


def test_subgroups_are_told_only_where_they_are_released() -> None:
    tables = shown()
    del tables[SUBGROUPS]
    assert "subgroup" not in said(tables)
