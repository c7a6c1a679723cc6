from __future__ import annotations

from pathlib import Path

from polku.layout import CHECKOUT
from polku.twin.comparing import naive_difference, words, write_comparison
from polku.twin.shape import published
from polku.twin.world import World


def test_pictures_are_the_same_for_the_same_world_and_named_in_the_document(world: World, tmp_path: Path) -> None:
    first, again = (write_comparison(world, tmp_path / name) for name in ("first", "again"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
    text = (CHECKOUT / "docs" / "twin.md").read_text(encoding="utf-8")
    assert all(f"twin/{path.name}" in text and (CHECKOUT / "docs" / "twin" / path.name).is_file() for path in first)


def test_every_published_figure_is_told_with_its_source(world: World) -> None:
    lines = words(world).splitlines()[2:]
    assert len(lines) == len(published())
    assert all(row["what"] in line and row["source"] in line for row, line in zip(published(), lines, strict=True))


def test_a_raw_comparison_is_wrong_about_the_service(world: World) -> None:
    """It understates the effect, since clients are those who find work least easily."""
    raw, true = naive_difference(world), world.employment_effect("skills_centre")
    assert (raw[12:] < true[12:] - 0.02).all()
