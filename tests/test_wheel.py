"""What an authority installs: one wheel and `authority.lock`, and with nothing else the whole of its work."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from importlib.metadata import distribution
from pathlib import Path

import pytest

from polku.errors import Exit
from polku.exchange import grants, keys
from polku.exchange.issuing import issue
from polku.layout import CHECKOUT, DataRoot

STUDY, REGISTER = "mvad", "ura"
ROWS = "hetu;tyok1;tappvh;tppvm\n010190-999W;1;2018-09-01;2018-12-31\n131052-900W;2;2018-09-01;\n"
DAYS = ("--extracted-on", "2024-07-01", "--period", "2018-09-01", "2024-06-30")
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)((?: ;[^\\]+)?)", re.MULTILINE)


def pins(lock: str) -> dict[str, str]:
    """Version by package of a lock, for this platform."""
    found = PIN.findall((CHECKOUT / lock).read_text(encoding="utf-8"))
    return {name: version for name, version, marker in found if "win32" not in marker}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel unpacked and the packages of authority.lock, and nothing else."""
    source, site = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    for name in ("polku", "contracts", "studies", "pyproject.toml", "README.md"):
        copy = shutil.copytree if (CHECKOUT / name).is_dir() else shutil.copyfile
        copy(CHECKOUT / name, source / name)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    subprocess.run([*build, "--no-build-isolation", "--wheel-dir", str(source / "dist"), str(source)], check=True)
    (wheel,) = (source / "dist").glob("polku-*.whl")
    zipfile.ZipFile(wheel).extractall(site)
    for name in pins("authority.lock"):
        package = distribution(name)
        for top in {file.parts[0] for file in package.files or ()} - {"..", "__pycache__"}:
            (site / top).symlink_to(Path(str(package.locate_file(top))))
    return site


def official(site: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of the installed wheel: isolated, and with the folder of the authority's packages alone."""
    code = f"import sys; sys.path.append({str(site)!r}); from polku.cli import start; sys.exit(start())"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("POLKU_")}
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, *arguments],
        cwd=home, env=environment | {"HOME": str(home)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_whole_hour_of_an_official(installed: Path, tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", DataRoot(STUDY, tmp_path / "elsewhere")
    home.mkdir()
    own = DataRoot(STUDY, home / "polku" / STUDY)
    others = {keys.STEWARD: elsewhere.steward, keys.LINKAGE: elsewhere.linkage, keys.RESEARCH: elsewhere.path}
    cards = [keys.create_party(party, STUDY, folder) for party, folder in others.items()]

    assert official(installed, home, "keys", "create", "--study", STUDY, REGISTER).returncode == Exit.OK
    cards.append(keys.read_card(keys.card_path(own.authority(REGISTER))))
    today = datetime.now(UTC).date()
    issue(elsewhere.steward, elsewhere.trust, cards, study=STUDY, test=True, today=today, expires_on=today)
    shutil.copyfile(elsewhere.trust, own.trust)
    steward = cards[0].verify_key.key_id.hex()
    assert official(installed, home, "keys", "pin", "--study", STUDY, REGISTER, steward).returncode == Exit.OK
    extract = own.authority(REGISTER) / "extract"
    extract.mkdir()
    (extract / "ura_ytyoll.csv").write_text(ROWS)
    seal = ("seal", "--study", STUDY, "--register", REGISTER, *DAYS)

    early = official(installed, home, *seal, "--dry-run")
    assert early.returncode == Exit.KEY_UNUSABLE, early.stderr
    assert "2 of 2 rows would be sealed" in early.stderr
    grant = grants.grant(elsewhere.steward, elsewhere.trust, REGISTER)
    assert official(installed, home, "keys", "accept", "--study", STUDY, REGISTER, str(grant)).returncode == Exit.OK
    assert official(installed, home, *seal, "--dry-run").returncode == Exit.OK
    sealed = official(installed, home, *seal)
    assert sealed.returncode == Exit.OK, sealed.stderr
    id_part, data_part = sealed.stdout.split()
    assert Path(data_part).parent == own.authority(REGISTER) / "sealed"
    verified = official(installed, home, "verify", "--study", STUDY, "--as", REGISTER, id_part, data_part)
    assert verified.returncode == Exit.OK, verified.stderr


def test_the_wheel_brings_every_module_contract_and_study(installed: Path) -> None:
    def names(folder: Path, kind: str) -> set[str]:
        return {str(path.relative_to(folder)) for path in folder.rglob(kind)}

    for kind in ("*.py", "*.html", "*.css", "*.js"):
        assert names(installed / "polku", kind) == names(CHECKOUT / "polku", kind)
    assert names(installed / "polku" / "publication", "*.toml") == names(CHECKOUT / "polku" / "publication", "*.toml")
    for folder in ("contracts", "studies"):
        assert names(installed / "polku" / "shipped" / folder, "*.toml") == names(CHECKOUT / folder, "*.toml")


def test_nothing_of_the_platform_is_installed(installed: Path, tmp_path: Path) -> None:
    for stranger in ("pandas", "dagster", "dbt", "great_expectations", "matplotlib"):
        assert not (installed / stranger).exists()
    assert official(installed, tmp_path, "--help").returncode == Exit.OK


def test_both_locks_name_the_same_versions_and_no_address() -> None:
    platform, authority = pins("requirements.lock"), pins("authority.lock")
    assert set(authority.items()) <= set(platform.items())
    text = (CHECKOUT / "authority.lock").read_text(encoding="utf-8")
    assert text.count("--hash=sha256:") >= len(authority)
    assert "://" not in text
