"""Notices about persons: what an authority may ask of the research platform, and on which ground.

Belongs here: actions, reasons and the manifest of a notice. Does not belong here: sealing a notice
(`authority`) and doing what it asks (`research`).

Whoever discloses personal data tells each recipient of a rectification, an erasure or a restriction (GDPR
article 19); the research platform is a recipient. A notice names persons and holds no reason in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from polku.contracts.model import Label
from polku.errors import Exit, Refusal

RECTIFY, ERASE, RESTRICT, LIFT = "rectify", "erase", "restrict", "lift"
REASONS: dict[str, dict[str, Label]] = {
    RECTIFY: {
        "inaccurate": Label(
            "data are inaccurate (16)", "tiedot ovat virheelliset (16)", "uppgifterna är felaktiga (16)"
        ),
        "incomplete": Label(
            "data are incomplete (16)", "tiedot ovat puutteelliset (16)", "uppgifterna är ofullständiga (16)"
        ),
    },
    ERASE: {
        "not_needed": Label(
            "no longer needed (17.1 a)", "tietoja ei enää tarvita (17.1 a)", "uppgifterna behövs inte längre (17.1 a)"
        ),
        "consent_withdrawn": Label(
            "consent withdrawn (17.1 b)", "suostumus peruutettu (17.1 b)", "samtycket har återkallats (17.1 b)"
        ),
        "objection": Label("objection (17.1 c)", "vastustaminen (17.1 c)", "invändning (17.1 c)"),
        "unlawful": Label(
            "unlawful processing (17.1 d)", "lainvastainen käsittely (17.1 d)", "olaglig behandling (17.1 d)"
        ),
        "legal_duty": Label(
            "legal obligation to erase (17.1 e)",
            "lakisääteinen velvoite poistaa (17.1 e)",
            "rättslig skyldighet att radera (17.1 e)",
        ),
    },
    RESTRICT: {
        "accuracy_contested": Label(
            "accuracy contested (18.1 a)", "paikkansapitävyys kiistetty (18.1 a)", "korrektheten bestrids (18.1 a)"
        ),
        "unlawful_kept": Label(
            "unlawful, erasure opposed (18.1 b)",
            "lainvastainen, poistoa vastustetaan (18.1 b)",
            "olaglig, radering motsätts (18.1 b)",
        ),
        "legal_claim": Label(
            "needed for a legal claim (18.1 c)",
            "tarpeen oikeusvaateen vuoksi (18.1 c)",
            "behövs för rättsliga anspråk (18.1 c)",
        ),
        "objection_pending": Label(
            "objection being examined (18.1 d)", "vastustamista tutkitaan (18.1 d)", "invändning prövas (18.1 d)"
        ),
    },
    LIFT: {
        "ground_ended": Label(
            "the ground of the restriction has ended (18.3)",
            "rajoittamisen peruste on päättynyt (18.3)",
            "grunden för begränsningen har upphört (18.3)",
        ),
    },
}
"""Reason codes by action, with the article of the General Data Protection Regulation."""


@dataclass(frozen=True)
class Notice:
    """What the manifest of a notice says. `received_on` is when the authority got the person's request or decided
    itself; `informed_on` when the person was told that a restriction ends (only of a lift, which needs it)."""

    action: str
    reason: str
    received_on: date
    informed_on: date | None
    filed_by: str
    persons: int

    def as_json(self) -> dict[str, Any]:
        """The notice as it is sealed, dates in ISO 8601."""
        informed = self.informed_on and self.informed_on.isoformat()
        return {**asdict(self), "received_on": self.received_on.isoformat(), "informed_on": informed}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], file: str) -> Notice:
        """Read the manifest of a notice (DELIVERY_INCOMPLETE when it is none)."""
        try:
            informed = data["informed_on"] and date.fromisoformat(data["informed_on"])
            notice = cls(
                str(data["action"]), str(data["reason"]), date.fromisoformat(data["received_on"]), informed,
                str(data["filed_by"]), int(data["persons"]),
            )  # fmt: skip
            notice.check()
        except (KeyError, TypeError, ValueError, Refusal):
            raise Refusal(
                Exit.DELIVERY_INCOMPLETE, "the manifest is not that of a notice.", "Seal the notice again.", file=file
            ) from None
        return notice

    def check(self) -> None:
        """Refuse (USAGE) an unknown action or reason, and a lift of which the person has not been told."""
        if self.reason not in REASONS.get(self.action, {}):
            known = "; ".join(f"{action}: {', '.join(reasons)}" for action, reasons in REASONS.items())
            raise Refusal(Exit.USAGE, "the action does not have this reason.", f"Reasons: {known}.")
        if (self.action == LIFT) != (self.informed_on is not None):
            raise Refusal(
                Exit.USAGE,
                "a restriction is lifted after the person has been informed, and only then is that date given.",
                "Inform the person first (GDPR 18.3) and give the date with --informed-on.",
            )
