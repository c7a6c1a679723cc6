"""A small world for tests: steward, two authorities, linkage unit and research platform on one disk.

Belongs here: making parties and moving packages between them. Does not belong here: a check.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from polku.authority import bridging, notices, sealing
from polku.contracts.model import Column, Contract, Edge, FileFormat, Label, Table
from polku.errors import Exit, Refusal
from polku.exchange import folders, grants, keys
from polku.exchange.delivery import DATA, ID, Delivery
from polku.exchange.issuing import issue
from polku.exchange.notices import Notice
from polku.exchange.parts import RELAY
from polku.exchange.pins import pin
from polku.exchange.trust import Trust
from polku.layout import DataRoot
from polku.linkage import relaying
from polku.research import erasure, intake, landing, opening, storage
from polku.studies import Study

EXTRACTED_ON = date(2024, 7, 1)
PERIOD = (date(2018, 1, 1), date(2024, 6, 30))
TEXT = Label("text", "teksti", "text")

PERSONS = Table(
    name="persons",
    file="persons.csv",
    title=TEXT,
    grain="one row per person",
    natural_key=("person_key",),
    columns=(
        Column("hetu", "person_key", "identifier", "joins registers", required=True, domain="fi.hetu"),
        Column("syntymapaiva", "birth_month", "month", "age", required=True, coarsen="month"),
        Column("kieli", "language_code", "code", "background"),
    ),
    never={"nimi": "not needed"},
)
SPELLS = Table(
    name="spells",
    file="spells.csv",
    title=TEXT,
    grain="one row per spell",
    natural_key=("case_key", "started_on"),
    columns=(
        Column("tapaus", "case_key", "identifier", "joins spells", domain="jobs.case"),
        Column("hetu", "person_key", "identifier", "joins registers", required=True, domain="fi.hetu"),
        Column("alku", "started_on", "date", "timeline", required=True),
        Column("selite", "note", "code", "none"),
    ),
)
CLIENTS = Table(
    name="clients",
    file="clients.csv",
    title=TEXT,
    grain="one row per client number",
    natural_key=("client_key",),
    columns=(
        Column("numero", "client_key", "identifier", "joins services", required=True, domain="clients.client"),
        Column("hetu", "person_key", "identifier", "joins registers", domain="fi.hetu"),
        Column("huoltaja", "guardian_key", "identifier", "family", domain="fi.hetu", about="relative"),
        Column("kunta", "municipality_code", "code", "background"),
    ),
    edge=Edge("number_of_person", "client_key", "person_key"),
)
SERVICES = Table(
    name="services",
    file="services.csv",
    title=TEXT,
    grain="one row per service",
    natural_key=("client_key", "started_on"),
    columns=(
        Column("numero", "client_key", "identifier", "joins clients", required=True, domain="clients.client"),
        Column("alku", "started_on", "date", "timeline", required=True),
    ),
)


def contract(register: str, *tables: Table, **changes: object) -> Contract:
    """A contract of one register of the small world."""
    made = Contract(
        register=register,
        version=1,
        title=TEXT,
        authority=TEXT,
        system=f"{register} system",
        legal_basis=("Act",),
        cadence_days=30,
        maturity_months=0,
        covered_from=date(2018, 1, 1),
        bad_row_limit=0.5,
        assumed=True,
        file_format=FileFormat(date_formats=("%d.%m.%Y", "%Y-%m-%d"), open_ends=(date(2222, 11, 11),)),
        tables=tables,
        codes={},
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def small_study(*contracts: Contract, code: str = "small", permanent_until: int = 989) -> Study:
    """A test study of these registers; individual numbers 990-999 play the temporary codes."""
    return Study(
        code=code, title=TEXT, purpose="test", permit="none", test=True, permanent_until=permanent_until,
        window_from=PERIOD[0], window_until=PERIOD[1], client_register="osaamiskeskus", municipality_code=None,
        foreign_background=False, min_age_years=None, max_age_years=None, risk_set_states=(), groups={},
            months_before=1, months_after=1,
        employed_min_eur_per_month=Decimal(1), rule_set="statfin_v1", month_rule="last_day",
        release_profile="none", release_tables=(),
        contracts={c.register: c for c in contracts}, omitted={},
    )  # fmt: skip


@dataclass
class Parties:
    """Every party of the small world, with keys, cards, trust file and granted token keys."""

    path: Path
    study: Study = field(default_factory=lambda: small_study(contract("persons", PERSONS), contract("jobs", SPELLS)))
    mode: str = RELAY
    stretched: bool = False

    def __post_init__(self) -> None:
        self.root = DataRoot(self.study.code, self.path / "data")
        parties = (keys.STEWARD, keys.LINKAGE, keys.RESEARCH, *self.study.contracts)
        cards = [keys.create_party(party, self.study.code, self.root.party(party)) for party in parties]
        self.issue(*cards)
        for party in parties:
            pin(self.root.party(party), cards[0].verify_key.key_id.hex())
        self.grant()
        for inbox in (self.root.inbox, self.root.linkage / "inbox"):
            inbox.mkdir(parents=True)

    def issue(self, *cards: keys.Card, **terms: Any) -> Trust:
        """Let the steward issue the next trust file, for a year from today unless `terms` say otherwise."""
        today = datetime.now(UTC).date()
        usual = {"study": self.study.code, "test": self.study.test, "today": today}
        if not self.root.trust.exists():
            usual |= {"mode": self.mode, "stretched": self.stretched}
        return issue(
            self.root.steward, self.root.trust, cards, **{**usual, "expires_on": today + timedelta(days=365), **terms}
        )

    def issue_real(self) -> Trust:
        """A trust file of the same study that is no test: issued, as it must be, where no other party's keys are."""
        alone = DataRoot(self.study.code, self.path / "steward alone")
        shutil.copytree(self.root.steward, alone.steward)
        today = datetime.now(UTC).date()
        made = issue(
            alone.steward, alone.trust, self.trust().cards.values(),
            study=self.study.code, test=False, today=today, expires_on=today,
        )  # fmt: skip
        shutil.copy(made.path, self.root.trust)
        return self.trust()

    def rotate_token_keys(self, *, new_root: bool = False) -> Trust:
        """Enter the next token epoch: steward and linkage unit prepare it, every authority accepts its keys.

        A rotation that is still under way is finished with it.
        """
        for party in (keys.STEWARD, keys.LINKAGE):
            keys.rotate(party, self.root.party(party), self.trust().epoch, new_root=new_root)
        under_way = self.trust().previous_epoch is not None
        trust = self.issue(keys.read_card(keys.card_path(self.root.linkage)), finish_rotation=under_way)
        self.grant()
        return trust

    def grant(self) -> None:
        """Every authority accepts the token keys of the current epoch."""
        for register in self.study.contracts:
            package = grants.grant(self.root.steward, self.root.trust, register)
            grants.accept(self.root.authority(register), self.root.trust, register, package)

    def trust(self, party: str = keys.RESEARCH) -> Trust:
        """The trust file as a party believes it."""
        return Trust.read(self.root.trust, self.root.party(party))

    def extract(self, register: str) -> Path:
        """The extract folder of a register."""
        folder = self.root.authority(register) / "extract"
        folder.mkdir(exist_ok=True)
        return folder

    def write(self, register: str, file: str, lines: Iterable[str], encoding: str = "utf-8") -> None:
        """Write an extract file, one line each."""
        (self.extract(register) / file).write_text("\n".join(lines) + "\n", encoding=encoding)

    def seal(self, register: str, study: Study | None = None) -> sealing.SealReport:
        """Seal what lies in the extract folder."""
        authority = self.root.authority(register)
        return sealing.seal(
            study or self.study, register, self.extract(register), authority, self.root.trust, EXTRACTED_ON, PERIOD
        )

    def send(self, report: sealing.SealReport) -> None:
        """Carry both parts to where they belong."""
        self.carry(report.id_part, report.data_part)

    def carry(self, id_part: Path, data_part: Path) -> None:
        """Carry an id part to the linkage unit and a data part to the research platform."""
        folders.copy(id_part, self.root.linkage / "inbox")
        folders.copy(data_part, self.root.inbox)

    def notice(self, register: str, lines: Iterable[str], notice: Notice) -> Delivery:
        """Seal a notice about the persons of a list and carry it; not yet relayed."""
        authority, file = self.root.authority(register), self.path / "persons.csv"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        sealed, _ = notices.seal_notice(self.study, register, notice, file, authority, self.root.trust, EXTRACTED_ON)
        self.carry(sealed.files[ID], sealed.files[DATA])
        return sealed

    def bridge(self, register: str) -> Delivery:
        """Seal a bridge from what lies in the extract folder and carry it; not yet relayed."""
        authority = self.root.authority(register)
        sealed, _ = bridging.seal_bridge(
            self.study, register, self.extract(register), authority, self.root.trust, EXTRACTED_ON
        )
        self.carry(sealed.files[ID], sealed.files[DATA])
        return sealed

    def new_research_root(self) -> None:
        """The root key of the research platform's next level, prepared and announced."""
        trust = self.trust()
        self.issue(keys.rotate(keys.RESEARCH, self.root.path, trust.party(keys.RESEARCH).newest))

    def land(self) -> dict[str, Exit | None]:
        """Relay, then take in everything that can be, as the platform does but without gates; what became of each."""
        self.relay()
        landing.repair(self.root)
        erasure.resume(self.root, self.study)
        outcomes: dict[str, Exit | None] = {}
        while waiting := [d for d in opening.pending(self.root, self.study) if d.delivery_id not in outcomes]:
            delivery = waiting[0]
            outcomes[delivery.delivery_id] = None
            try:
                intake.take(self.root, self.study, delivery, lambda _: None)
            except Refusal as refusal:
                outcomes[delivery.delivery_id] = refusal.exit
                if refusal.exit not in opening.HELD:
                    landing.discard(self.root, delivery, refusal)
        return outcomes

    def landed(self, register: str, table: str) -> list[dict[str, object]]:
        """The rows of a landing table, with keys."""
        files = sorted((self.root.landing / register / table).glob("*.parquet"))
        if not files:
            return []
        with storage.connect(self.root) as con:
            rows = con.execute(f"from {storage.parquet(files)} order by delivery_id, row_no").to_arrow_table()
        return rows.to_pylist()

    def relay(self) -> relaying.RelayReport:
        """Let the linkage unit work, and carry its link parts to the research platform."""
        report = relaying.relay(self.root.linkage, self.root.trust)
        for link in report.relayed:
            folders.move(link, self.root.inbox)
        return report

    def deliver(self, register: str) -> Delivery:
        """Seal, send and relay; the delivery as the research platform finds it."""
        sent = self.seal(register)
        self.send(sent)
        self.relay()
        return next(d for d in opening.pending(self.root, self.study) if d.delivery_id == sent.delivery_id)

    def read(self, delivery: Delivery) -> dict[str, list[dict[str, object]]]:
        """Open a delivery to its end: the rows of each table."""
        with opening.open_delivery(self.root, self.study, delivery) as opened:
            return {name: reader.read_all().to_pylist() for name, reader in opened.tables()}
