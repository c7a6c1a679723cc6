"""The sections of the report, in the order in which they are read.

Belongs here: what each section says, from the released tables and the manifest. Does not belong here: the wording
(`texts/`), drawing (`figures`, `charts`), and what the registers cover (`limits`). A section of which nothing has been
released is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from polku.disclosure.cells import Status
from polku.disclosure.inexact.protections import Protection, guarantee
from polku.outcomes import Outcome, evidence_of
from polku.outcomes.definitions import outcomes_of
from polku.publication.report.blocks import Block, Bullets, Cell, Details, Section, Table, Terms, Text, Title
from polku.publication.report.effects import MONTHS, SUBGROUPS, YEARS, effects
from polku.publication.report.figures import drawn, matrix, ranked
from polku.publication.report.limits import cannot
from polku.publication.report.release import Panel, Release
from polku.publication.report.words import Words

OUTCOMES, STATES, EXITS = "outcome_by_months_since_entry", "state_share_by_month", "exit_outcome"
FOUND_AT_MONTHS = (24, 12, 36, 6)
"""The first of these months since entry of which all groups have a figure is told in one sentence."""
FOLLOWED_AT_MONTHS = (-12, 0, 6, 12, 24, 36)
_LARGEST = 3


def asked(release: Release, words: Words) -> Section:
    """The question, and how much of it a description can answer."""
    blocks = [Text(words.say("asked.question"), "lead"), Text(words.say("asked.step"))]
    return Section("asked", words.say("asked.title"), blocks)


def found(release: Release, words: Words) -> Section:
    """One sentence: who was in work after entry, else the main activities of the last month."""
    for told, table in ((_found_at_work, OUTCOMES), (_found_states, STATES)):
        if blocks := told(release, words):
            return Section("found", words.say("found.title"), [*blocks, *promised(release, words, table)])
    return Section("found", words.say("found.title"), [Text(words.say("found.nothing"))])


def who(release: Release, words: Words) -> Section:
    """Groups, their numbers, registers and months."""
    study = release.study
    rules = [
        words.say("who.people", **{"from": words.month(study.window_from), "until": words.month(study.window_until)})
    ]
    if study.min_age_years is not None and study.max_age_years is not None:
        ages = {"from": str(study.min_age_years), "until": str(study.max_age_years)}
        rules.append(words.say("who.ages", **ages))
    if study.foreign_background:
        rules.append(words.say("who.background"))
    blocks: list[Block] = [Bullets(rules)]
    if employed := _at_work(release):
        blocks += [_followed(words, employed), Text(words.say("who.fewer"))]
        if "never_client" in employed.series:
            blocks.append(Text(words.say("who.assigned")))
    registers = [words.label(contract.title) for contract in study.contracts.values()]
    blocks.append(Details(words.say("who.registers", number=words.count(len(registers))), [Bullets(registers)]))
    return Section("who", words.say("who.title"), blocks)


def happened(release: Release, words: Words) -> Section:
    """Every released table: outcomes since entry by topic, main activity by month, exits, and any other."""
    blocks: list[Block] = []
    by_topic: dict[str, list[Panel]] = {
        topic: [] for topic in ("work", "earnings", "studies", "services", "benefits", "other")
    }
    for panel in release.panels(OUTCOMES):
        by_topic[_topic(release, panel)].append(panel)
    if by_topic["earnings"]:
        by_topic["earnings"] = [
            p for p in release.panels(OUTCOMES, y="mean_amount_eur") if _topic(release, p) == "earnings"
        ]
    if any(by_topic.values()):
        blocks += [Text(words.say("happened.since_entry"), "warning"), *promised(release, words, OUTCOMES)]
    for topic, panels in by_topic.items():
        if panels:
            blocks.append(Title(words.say(f"happened.{topic}")))
            if f"happened.{topic}_note" in words.texts:
                blocks.append(Text(words.say(f"happened.{topic}_note")))
            blocks += drawn(release, words, panels)
    if EXITS in release.tables:
        blocks += _exits(release, words)
    for name in sorted(release.tables.keys() - {OUTCOMES, EXITS, MONTHS, YEARS, SUBGROUPS}):
        blocks.append(Title(words.label(release.context.tables[name].title)))
        if f"table.{name}" in words.texts:
            blocks.append(Text(words.say(f"table.{name}")))
        blocks += promised(release, words, name)
        blocks += drawn(release, words, ranked(release.panels(name)))
    return Section("happened", words.say("happened.title"), blocks)


def sure(release: Release, words: Words) -> Section:
    """A raw comparison is not an effect; how many figures are hidden, and why."""
    blocks = [
        Text(words.say("sure.raw"), "warning"),
        *([Text(words.say("sure.future"))] if OUTCOMES in release.tables else []),
        Text(words.say("sure.counts")),
        *_hidden(release, words),
    ]
    return Section("sure", words.say("sure.title"), blocks)


def defined(release: Release, words: Words) -> Section:
    """The definition of every table in plain words and as the manifest has it, and of each of its outcomes."""
    blocks: list[Block] = []
    for name, table in sorted(release.entries["tables"].items()):
        blocks.append(Title(words.label(release.context.tables[name].title)))
        if f"table.{name}" in words.texts:
            blocks.append(Text(words.say(f"table.{name}")))
        blocks += promised(release, words, name)
        if outcomes := outcomes_of(name, release.study.outcomes):
            blocks.append(Terms([_defined(release, words, outcome) for outcome in outcomes.values()]))
        columns = [(column, _plain(text)) for column, text in table["columns"].items()]
        exact: list[Block] = [Text(_plain(table["definition"])), Terms(columns)]
        blocks.append(Details(words.say("defined.exact"), exact, "en"))
    return Section("defined", words.say("defined.title"), blocks)


def sources(release: Release, words: Words) -> Section:
    """Deliveries, rule of disclosure control, version of the programs, and when the report was made."""
    entries, policy = release.entries, release.context.policy
    made = datetime.fromisoformat(entries["created_at"])
    facts = [
        (words.say("sources.made"), words.day(made)),
        (words.say("sources.deliveries"), words.count(len(entries["inputs"]))),
        (
            words.say("sources.policy"),
            words.say("sources.policy_value", profile=policy.profile, threshold=words.count(policy.threshold)),
        ),
        (words.say("sources.code"), entries["code_version"] or words.say("sources.unknown")),
        (words.say("sources.fingerprint"), entries["fingerprint"]),
    ]
    files = words.listed([f"{name}.csv" for name in sorted(release.tables)])
    blocks: list[Block] = [
        Text(words.say("sources.pseudonymous")),
        Terms(facts),
        Text(words.say("sources.files", files=files)),
    ]
    return Section("sources", words.say("sources.title"), blocks)


SECTIONS: tuple[Callable[[Release, Words], Section], ...] = (
    asked,
    found,
    who,
    happened,
    effects,
    sure,
    cannot,
    defined,
    sources,
)


def promised(release: Release, words: Words, name: str) -> list[Block]:
    """What a rounded or noisy table promises, where it is shown; nothing of exact ones."""
    protection = release.study.protection_of(name)
    if name not in release.tables or protection is Protection.GAPS:
        return []
    return [Text(words.label(guarantee(protection, release.context.policy)), "warning")]


def _found_at_work(release: Release, words: Words) -> list[Block]:
    panel = _at_work(release)
    if panel is None:
        return []
    told: list[Block] = []
    for key, look, months in (("found.employed", "lead", FOUND_AT_MONTHS), ("found.before", "warning", (-12, -6))):
        month = next((m for m in months if all(panel.value(m, s) is not None for s in panel.series)), None)
        if month is None:
            return told
        shares = [(panel.value(month, series), words.code(series)) for series in panel.series]
        text = words.say("found.and").join(
            words.say("found.share_of_group", share=words.share(share or 0), group=group) for share, group in shares
        )
        told.append(Text(words.say(key, months=words.count(abs(month)), shares=text), look))
        if len(panel.series) < 2:
            return told
    return told


def _found_states(release: Release, words: Words) -> list[Block]:
    for panel in release.panels(STATES):
        for month in reversed(panel.x):
            known = [(v, s) for s in panel.series if (v := panel.value(month, s)) is not None]
            if known:
                largest = sorted(known, key=lambda pair: -pair[0])[:_LARGEST]
                shares = [
                    words.say("found.share_of_group", share=words.share(v), group=words.code(s)) for v, s in largest
                ]
                text = words.say("found.states", month=words.month(month), shares=", ".join(shares))
                return [Text(text, "lead")]
    return []


def _at_work(release: Release) -> Panel | None:
    panels = release.panels(OUTCOMES)
    return next((p for p in panels if p.code == "employed" and p.any_figure), None)


def _followed(words: Words, panel: Panel) -> Table:
    """How many persons stand behind the shares: bases, which are published as long as they are large enough."""
    months = [month for month in FOLLOWED_AT_MONTHS if month in panel.x]
    base = str(panel.table.spec.base)
    head = [words.column(panel.picture.by), *(words.count(month) for month in months)]
    rows = []
    for series in panel.series:
        bases = [panel.rows[month, series].figures[base] if (month, series) in panel.rows else None for month in months]
        cells = [Cell(words.say("figure.hidden") if n is None else words.count(n)) for n in bases]
        rows.append([Cell(words.code(series), "row"), *cells])
    return Table(words.say("who.followed"), [[Cell(text, "col") for text in head]], rows)


def _exits(release: Release, words: Words) -> list[Block]:
    """Outcomes at exit: all years together as a table, year by year as charts."""
    title = words.label(release.context.tables[EXITS].title)
    blocks: list[Block] = [Title(title), Text(words.say(f"table.{EXITS}")), *promised(release, words, EXITS)]
    blocks += [
        matrix(words, p, words.say("happened.totals", title=title)) for p in release.panels(EXITS) if p.any_figure
    ]
    by_year = release.panels(EXITS, kind="curves", x="year", by="base_code", panel="outcome_code")
    return [*blocks, *drawn(release, words, by_year)]


def _hidden(release: Release, words: Words) -> list[Block]:
    """How many figures of each table are published, hidden for which reason, or not observed."""
    if not release.tables:
        return []
    counts = {name: release.cells(name) for name in sorted(release.tables)}
    statuses = [status for status in Status if any(cells[status] for cells in counts.values())]
    head = [words.say("sure.table"), *(words.say(f"status.{status}") for status in statuses), words.say("sure.all")]
    rows = [
        [
            Cell(words.label(release.context.tables[name].title), "row"),
            *(Cell(words.count(n)) for n in (*(cells[status] for status in statuses), cells.total())),
        ]
        for name, cells in counts.items()
    ]
    hidden = sum(cells[status] for cells in counts.values() for status in Status if status.hidden)
    every = sum(cells.total() for cells in counts.values())
    threshold = words.count(release.context.policy.threshold)
    return [
        Title(words.say("sure.hidden")),
        Text(words.say("sure.why", hidden=words.count(hidden), cells=words.count(every), threshold=threshold)),
        Table(words.say("sure.cells"), [[Cell(text, "col") for text in head]], rows),
    ]


def _topic(release: Release, panel: Panel) -> str:
    """Under which title an outcome is told; other where the catalogue does not have it."""
    outcome = release.study.outcomes.get(str(panel.code))
    return outcome.topic if outcome else "other"


def _defined(release: Release, words: Words, outcome: Outcome) -> tuple[str, str]:
    """An outcome with its version, and its rule, unit and registers."""
    study, known_from = release.study, []
    for evidence in evidence_of(outcome, study.contracts):
        contract = study.contracts[evidence.register]
        known_from.append(
            words.say(
                "defined.register_by_year" if evidence.matures_yearly else "defined.register",
                register=words.label(contract.title),
                table=words.label(contract.table(evidence.table).title),
                day=words.day(evidence.covered_from),
                months=words.count(evidence.maturity_months),
            )
        )
    name = words.say("defined.version", label=words.label(outcome.label), version=str(outcome.version))
    unit, registers = words.label(outcome.unit), words.listed(known_from)
    return name, words.say("defined.outcome", rule=words.rule(outcome), unit=unit, registers=registers)


def _plain(text: str) -> str:
    """Words of the manifest without the marks of code."""
    return text.replace("`", "")
