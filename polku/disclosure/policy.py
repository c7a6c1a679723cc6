"""The numbers of disclosure control, read from `policy.toml`.

Belongs here: reading a release profile and its one question, whether a count is too small. Does not
belong here: which counts a table holds, or what is done about them.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files

from polku.errors import Exit, Refusal


@dataclass(frozen=True)
class MicrodataLimits:
    """What a table of persons must keep: least `k`, `l` and `entropy_l`, greatest `t` (see `microdata.Measures`)."""

    k: int
    l: int  # noqa: E741 - the measure's name
    entropy_l: float
    t: float


@dataclass(frozen=True)
class Policy:
    """One release profile.

    `threshold` is the smallest number of persons a published figure may stand for. `protect_zeros`
    hides zeros that could have been otherwise; `protect_complements` looks at the n - x others of x
    among n as well. `assumed` marks a number that no written rule of the data holder backs.
    """

    profile: str
    title: str
    threshold: int
    protect_zeros: bool
    protect_complements: bool
    share_decimals: int
    amount_decimals: int
    assumed: bool
    sources: tuple[str, ...]
    microdata: MicrodataLimits = MicrodataLimits(k=1, l=1, entropy_l=1.0, t=1.0)

    def too_small(self, persons: int) -> bool:
        """Whether a figure about this many persons may not be published."""
        return 0 < persons < self.threshold or (persons == 0 and self.protect_zeros)


def load_policy(profile: str) -> Policy:
    """The release profile of this name. Refuses (STUDY_INVALID) a name that the policy does not have."""
    profiles = tomllib.loads(files("polku.disclosure").joinpath("policy.toml").read_text(encoding="utf-8"))
    if profile not in profiles:
        raise Refusal(
            Exit.STUDY_INVALID,
            f"there is no release profile `{profile}`.",
            f"Profiles: {', '.join(profiles)}.",
            file="policy.toml",
        )
    entry = profiles[profile]
    return Policy(
        profile=profile,
        title=entry["title"],
        threshold=entry["threshold_persons"],
        protect_zeros=entry["zeros"] == "protected",
        protect_complements=entry["complements"] == "protected",
        share_decimals=entry["share_decimals"],
        amount_decimals=entry["amount_decimals"],
        assumed=entry["assumed"],
        sources=tuple(entry["sources"]),
        microdata=MicrodataLimits(**{name: entry["microdata"][name] for name in ("k", "l", "entropy_l", "t")}),
    )
