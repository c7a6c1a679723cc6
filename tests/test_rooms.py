"""Which room may import what: the table of the README's *Rooms* section, enforced."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
ROOMS = {
    "polku": {
        "cryptography",
        "duckdb",
        "duckdb_extension_httpfs",
        "pyarrow",
        "numpy",
        "tqdm",
        "pandas",
        "matplotlib",
        "jinja2",
        "babel",
        "statsmodels",
        "scipy",
        "highspy",
        "pyhive",
        "thrift",
        "thrift_sasl",
        "shamir_mnemonic",
    },
    "expectations": {"great_expectations", "polku", "pandas", "duckdb", "sqlalchemy", "duckdb_engine"},
    "assets": {"dagster", "dagster_dbt", "dbt", "dbt_common", "polku", "expectations", "duckdb"},
    "orchestration": {"dagster", "assets", "polku"},
}
AUTHORITY = ("cryptography", "duckdb", "duckdb_extension_httpfs", "numpy", "pyarrow", "tqdm")
CEREMONY = {"shamir_mnemonic"}
"""What only a key ceremony needs: imported in one module, which is imported when a root is split or combined."""
AUTHORITY_MODULES = (
    "cli/seal.py",
    "cli/bridge.py",
    "authority/notices.py",
    "cli/keys.py",
    "cli/relay.py",
    "authority/sealing.py",
    "linkage/relaying.py",
)
PARTIES = ("authority", "linkage", "research")


def modules_of(path: Path) -> set[str]:
    """Full names of what a module imports from this repository."""
    nodes = [n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.ImportFrom)]
    return {f"{n.module}.{alias.name}" for n in nodes if n.module for alias in n.names}


def imported(path: Path) -> set[str]:
    """Top-level packages that a module imports, wherever in it the import stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names - {"_typeshed"}  # exists for the type checker alone


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_the_table_allows(room: str) -> None:
    modules = sorted((CHECKOUT / room).rglob("*.py"))
    assert modules
    allowed = ROOMS[room] | {room} | set(sys.stdlib_module_names)
    strangers = {f"{path.relative_to(CHECKOUT)}: {name}" for path in modules for name in imported(path) - allowed}
    assert not strangers


@pytest.mark.parametrize("party", [*PARTIES, "exchange"])
def test_no_party_runs_what_another_party_runs(party: str) -> None:
    """What they share is in `polku/exchange`, which knows none of them."""
    others = tuple(f"polku.{other}" for other in PARTIES if other != party)
    strangers = [
        f"{path.name}: {name}"
        for path in (CHECKOUT / "polku" / party).glob("*.py")
        for name in modules_of(path)
        if name.startswith(others)
    ]
    assert strangers == []


@pytest.mark.parametrize("room", ROOMS)
def test_every_module_says_what_belongs_in_it(room: str) -> None:
    silent = [
        str(path.relative_to(CHECKOUT))
        for path in (CHECKOUT / room).rglob("*.py")
        if "belong" not in (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "")
    ]
    assert silent == []


def test_loading_the_definitions_imports_nothing_slow() -> None:
    """great_expectations takes seconds to import: only a gate that judges may do so."""
    slow = ("great_expectations", "matplotlib")
    code = f"import sys, orchestration.definitions; print([m for m in {slow} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")


def test_source_stands_only_in_staging() -> None:
    models = CHECKOUT / "dbt_project" / "models"
    outside = [
        path.name
        for path in models.rglob("*.sql")
        if "source(" in path.read_text(encoding="utf-8") and path.parent.name != "staging"
    ]
    assert list(models.rglob("*.sql"))
    assert outside == []


def test_dbt_holds_no_python_models() -> None:
    assert list((CHECKOUT / "dbt_project" / "models").rglob("*.py")) == []


def test_an_authority_needs_only_the_base_dependencies() -> None:
    """Sealing, relaying and everything they import must not reach for the platform's packages."""
    platform = ROOMS["polku"] - set(AUTHORITY) - CEREMONY
    seen: set[Path] = set()
    todo = [CHECKOUT / "polku" / name for name in AUTHORITY_MODULES]
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert not imported(path) & platform, path
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("polku"):
                todo += [p for p in (_file(node.module), *(_file(f"{node.module}.{a.name}") for a in node.names)) if p]
    assert len(seen) > len(AUTHORITY_MODULES)


def test_only_splitting_and_combining_import_what_a_ceremony_needs() -> None:
    importers = [path.name for path in (CHECKOUT / "polku").rglob("*.py") if imported(path) & CEREMONY]
    assert importers == ["shares.py"]
    code = f"import sys, polku.cli.keys; print([m for m in {sorted(CEREMONY)} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _file(module: str) -> Path | None:
    base = CHECKOUT.joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None
