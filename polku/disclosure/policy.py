"""The numbers of disclosure control, read from `policy.toml`.

Belongs here: reading a release profile and its one question, whether a count is too small. Does not
belong here: which counts a table holds, or what is done about them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from typing import Any

from polku.errors import Exit, Refusal


@dataclass(frozen=True)
class MicrodataLimits:
    """What a table of persons must keep: least `k`, `l` and `entropy_l`, greatest `t` (see `microdata.Measures`)."""

    k: int
    l: int  # noqa: E741 - the measure's name
    entropy_l: float
    t: float


@dataclass(frozen=True)
class Noise:
    """The noise of tables with cell keys (`cell_key.design`): the greatest change, and the variance."""

    max_change: int
    variance: float


@dataclass(frozen=True)
class Rules:
    """The numbers of the primary rules beside the threshold (`polku.disclosure.primary`); None or 0: not asked for.

    `dominance` are pairs (n, k): n contributors may not have more than k percent of an amount. `prior_posterior` is the
    pair (p, q) of percents. `sources` say by rule where a number comes from.
    """

    payers: int = 0
    group_percent: float | None = None
    dominance: tuple[tuple[int, float], ...] = ()
    p_percent: float | None = None
    prior_posterior: tuple[float, float] | None = None
    degrees_of_freedom: int = 0
    sources: Mapping[str, str] = field(default_factory=dict)


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
    rules: Rules = Rules()
    noise: Noise = Noise(max_change=5, variance=3.0)
    registers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def too_small(self, persons: int) -> bool:
        """Whether a figure about this many persons may not be published."""
        return 0 < persons < self.threshold or (persons == 0 and self.protect_zeros)

    def of_register(self, register: str, kind: str) -> Policy:
        """The profile with the stricter numbers that the data holder asks of figures of this kind, if there are any.

        A register never makes a rule milder: the higher number stays, and dominance rules add up.
        """
        asked = self.registers.get(f"{register}_{kind}")
        if asked is None:
            return self
        more = tuple((int(n), float(k)) for n, k in asked["dominance"] if (n, k) not in self.rules.dominance)
        rules = replace(
            self.rules,
            payers=max(self.rules.payers, asked["payers"]),
            dominance=self.rules.dominance + more,
            sources={**self.rules.sources, "payers": asked["source"]},
        )
        return replace(self, threshold=max(self.threshold, asked["threshold_persons"]), rules=rules)


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
        rules=_rules(entry["rules"]),
        noise=Noise(**entry["cell_key"]),
        registers=entry.get("registers", {}),
    )


def _rules(entry: Mapping[str, Any]) -> Rules:
    pair = entry.get("prior_posterior")
    return Rules(
        group_percent=entry.get("group_percent"),
        dominance=tuple((int(n), float(k)) for n, k in entry.get("dominance", ())),
        p_percent=entry.get("p_percent"),
        prior_posterior=(float(pair[0]), float(pair[1])) if pair else None,
        degrees_of_freedom=entry.get("degrees_of_freedom", 0),
        sources=entry["sources"],
    )
