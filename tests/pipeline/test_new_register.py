"""A new register is one contract, one staging model with its description, and one line of the study.

Youth workshops (Youth Act 1285/2016) in a form assumed for this test, sealed and landed as any register, must be among
the services that people used.
"""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from benchmarks.played import warehouse
from expectations import judge_landing
from polku import demo
from polku.cli import main
from polku.layout import CHECKOUT, DataRoot
from polku.research import landed, landing, opening, views
from polku.research.reference import write_reference
from polku.studies import Study, load_study

pytestmark = pytest.mark.pipeline

STUDY = "espoo_skills_centre"
FOLDERS = ("contracts", "studies", "dbt_project")
MODEL = "dbt_project/models/staging/stg_nuorisotyo__service_spells"
GENERATED = {"dbt_project/macros/registers.sql", "dbt_project/models/staging/_sources.yml"}

WRITTEN = {
    "contracts/nuorisotyo.toml": """\
register = "nuorisotyo"
version = 1
assumed = true
system = "Youth work"
legal_basis = ["Youth Act (1285/2016)"]
cadence_days = 92
maturity_months = 0
covered_from = 2015-01-01
bad_row_limit = 0.05
title = { en = "Youth workshops", fi = "Nuorten työpajat", sv = "Ungdomsverkstäder" }
authority = { en = "City, youth services", fi = "Kaupunki, nuorisopalvelut", sv = "Staden, ungdomstjänster" }

[file_format]
date_formats = ["%d.%m.%Y"]

[timeline]
service = { table = "services", model = "stg_nuorisotyo__service_spells" }

[tables.services]
file = "nuorisotyo.csv"
title = { en = "Services", fi = "Palvelut", sv = "Tjänster" }
grain = "one row per service spell of a person"
natural_key = ["person_key", "service_code", "started_on"]
ordered = [["started_on", "ended_on"]]
gap_days = 14

[tables.services.never]
nimi = "A name identifies the person (R1)."

[[tables.services.columns]]
source = "hetu"
name = "person_key"
type = "identifier"
domain = "fi.hetu"
required = true
why = "Joins the service to the person (R5)."

[[tables.services.columns]]
source = "palvelu"
name = "service_code"
type = "code"
codes = "palvelu"
dated_by = "started_on"
required = true
why = "Tells workshops from advice (R9)."

[[tables.services.columns]]
source = "alku"
name = "started_on"
type = "date"
required = true
why = "Places the service in time (R9)."

[[tables.services.columns]]
source = "loppu"
name = "ended_on"
type = "date"
why = "Length of the service."

[codes]
palvelu = [
  { code = "A", label = { en = "Workshop", fi = "Työpaja", sv = "Verkstad" }, channel = "employment_services" },
  { code = "N", label = { en = "Advice", fi = "Neuvonta", sv = "Rådgivning" } },
]
""",
    f"{MODEL}.sql": """\
with services as (

    select * from {{ source('landing', 'nuorisotyo__services') }}

),

codes as (

    select * from {{ ref('stg_reference__codes') }}
    where register = 'nuorisotyo' and list_name = 'palvelu'

),

gap as (

    select gap_days from {{ ref('stg_reference__coverage') }}
    where register = 'nuorisotyo' and table_name = 'services'

),

latest as (

    {{ latest_rows('services', ['person_key', 'service_code', 'started_on'], 'ended_on') }}

),

final as (

    select
        'nuorisotyo' as register,
        latest.person_key,
        codes.channel_code,
        latest.service_code,
        latest.started_on,
        {{ half_open('latest.ended_on') }} as ended_on,
        gap.gap_days
    from latest
    cross join gap
    inner join codes
        on
            latest.service_code = codes.code
            and {{ valid_on('codes', 'latest.started_on') }}
    where codes.channel_code is not null

)

select * from final
""",
    f"{MODEL}.yml": """\
models:
  - name: stg_nuorisotyo__service_spells
    description: Youth workshops, one row per spell. Feeds the service timeline.
""",
}
STUDY_LINE = "[registers.nuorisotyo]\n"

EXTRACTS = {
    "dvv_tunnusmuutokset.csv": "vanha_hetu;hetu;muutospv\n",
    "dvv_henkilot.csv": """\
hetu;syntymapaiva;sukupuoli;aidinkieli;kansa1;kansa2;svaltio;syntyp2;sivs;kuolinpv
131052-900W;13.10.1952;2;ar;368;;368;22;1;
010185-9501;01.01.1985;2;so;706;;706;22;1;
""",
    "dvv_muutot.csv": """\
hetu;muuttolaji;muuttopv;lkunta;tkunta;lahtomaakoodi;tulomaakoodi;kansa1_m
131052-900W;41;01.03.2016;;049;368;246;368
010185-9501;41;01.03.2016;;049;706;246;706
""",
    # The second spell comes within the gap of the first; advice has no channel.
    "nuorisotyo.csv": """\
hetu;nimi;palvelu;alku;loppu
131052-900W;Testi;A;01.03.2016;31.05.2016
131052-900W;Testi;A;10.06.2016;30.06.2016
131052-900W;Testi;N;01.03.2016;02.03.2016
010185-9501;Testi;A;01.02.2017;
""",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the checkout with the register added, and nothing else done but `polku contracts --write`."""
    folder = tmp_path / "checkout"
    for name in FOLDERS:
        shutil.copytree(CHECKOUT / name, folder / name, ignore=shutil.ignore_patterns("target", "logs"))
    for file, text in WRITTEN.items():
        (folder / file).write_text(text, encoding="utf-8")
    with (folder / "studies" / f"{STUDY}.toml").open("a", encoding="utf-8") as study:
        study.write(STUDY_LINE)
    assert main(["contracts", "--write", "--checkout", str(folder)]) == 0
    return folder


def changed(checkout: Path) -> set[str]:
    """Files of the copy that the checkout lacks or has otherwise."""
    files = [path for name in FOLDERS for path in (checkout / name).rglob("*") if path.is_file()]
    originals = {path: CHECKOUT / path.relative_to(checkout) for path in files}
    return {
        str(path.relative_to(checkout))
        for path, original in originals.items()
        if not original.is_file() or path.read_bytes() != original.read_bytes()
    }


def test_its_services_are_among_those_that_people_used(checkout: Path, tmp_path: Path) -> None:
    assert changed(checkout) == {*WRITTEN, f"studies/{STUDY}.toml", *GENERATED}
    study = load_study(STUDY, checkout)
    root = DataRoot(STUDY, tmp_path / "data" / STUDY)
    land(root, study)
    build(checkout / "dbt_project", root, tmp_path)
    with warehouse(root) as con:
        spells = con.execute(
            "select register, channel_code, service_code, started_on, ended_on, gap_days"
            " from warehouse.intermediate.int_union_service_spells order by started_on"
        ).fetchall()
        episodes = con.execute(
            "select started_on, ended_on, merged_spells from warehouse.marts.service_episode order by started_on"
        ).fetchall()
        observed = con.execute(
            "select min(month_index), max(month_index) from warehouse.intermediate.int_list_observed_months"
            " where service_status_code = 'observed'"
        ).fetchone()
    assert spells == [
        ("nuorisotyo", "employment_services", "A", date(2016, 3, 1), date(2016, 6, 1), 14),
        ("nuorisotyo", "employment_services", "A", date(2016, 6, 10), date(2016, 7, 1), 14),
        ("nuorisotyo", "employment_services", "A", date(2017, 2, 1), None, 14),
    ]
    assert episodes == [(date(2016, 3, 1), date(2016, 7, 1), 2), (date(2017, 2, 1), None, 1)]
    assert observed == (2015 * 12, 2024 * 12 + 11)


def land(root: DataRoot, study: Study) -> None:
    """Two authorities seal, the linkage unit relays, the gates judge, and what passes is landed."""
    demo.make_keys(root, study, lambda _: None)
    for register in ("dvv", "nuorisotyo"):
        folder = root.authority(register) / "extract"
        folder.mkdir()
        contract = study.contracts[register]
        for table in contract.tables:
            (folder / table.file).write_text(EXTRACTS[table.file], encoding=contract.file_format.encoding)
        demo.seal_extract(root, study, register, lambda _: None)
    demo.carry(root, study, lambda _: None)
    deliveries = opening.pending(root, study)
    assert [delivery.register for delivery in deliveries] == ["dvv", "nuorisotyo"]
    for delivery in deliveries:
        staged = landing.stage(root, study, delivery)
        assert staged.quarantined == 0
        verdicts = [verdict for verdicts in judge_landing(root, staged).values() for verdict in verdicts]
        assert all(verdict.passed for verdict in verdicts)
        landing.commit(root, staged)
    write_reference(root, study, landed.received(root, study))


def build(project: Path, root: DataRoot, tmp_path: Path) -> None:
    """The models of the copied project, with their data tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLKU_DATA", str(root.path.parent))
        patch.setenv("POLKU_STUDY", STUDY)
        patch.setenv("DO_NOT_TRACK", "1")
        patch.setattr(views, "RULES", project.parent)
        folders = ["--project-dir", str(project), "--profiles-dir", str(project)]
        files = ["--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs")]
        done = dbtRunner().invoke(["build", "--quiet", "--exclude-resource-type", "unit_test", *folders, *files])
        DuckDBConnectionManager.close_all_connections()
    assert done.success, [r.node.name for r in done.result or () if r.status not in ("success", "pass")]
