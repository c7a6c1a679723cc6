"""A real PostgreSQL for tests: a cluster of its own in a folder of its own, on a socket and without a network port.

Belongs here: starting and stopping it, and the settings by which a program finds it. Does not belong here: what is
kept in it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path

import psycopg2
import pytest

ROLE = "polku"
PASSWORD = "of-the-test-alone"
SERVER = "postgres"
"""The role of the server itself, and the account that Debian makes for it."""


@dataclass(frozen=True)
class Postgres:
    """A running cluster; `folder` has its socket and the files that a site would keep its settings in."""

    folder: Path

    def database(self, name: str) -> str:
        """Make an empty database and a libpq service of the same name."""
        self.execute(SERVER, f"drop database if exists {name} with (force)", f"create database {name} owner {ROLE}")
        with self.services.open("a", encoding="utf-8") as file:
            file.write(f"[{name}]\nhost={self.folder}\nuser={ROLE}\ndbname={name}\npassword={PASSWORD}\n")
        return name

    @property
    def services(self) -> Path:
        """What PGSERVICEFILE names."""
        return self.folder / "pg_service.conf"

    def rows(self, database: str, query: str) -> list[tuple[object, ...]]:
        """What a query finds, asked by the server's own role."""
        with self._connected(database) as con, con.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def execute(self, database: str, *statements: str) -> None:
        """Statements, each for itself."""
        with self._connected(database) as con, con.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    @contextmanager
    def _connected(self, database: str) -> Iterator[psycopg2.extensions.connection]:
        con = psycopg2.connect(host=str(self.folder), user=SERVER, dbname=database)
        con.autocommit = True
        try:
            yield con
        finally:
            con.close()


@contextmanager
def cluster() -> Iterator[Postgres]:
    """A cluster that ends with the block. Skips the test where no server is installed (`make postgres` installs it)."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        pytest.skip("needs Debian's package postgresql")
    # A server refuses to be root, and a socket's path may not be long: not in pytest's folder, which is root's alone.
    folder = Path(tempfile.mkdtemp(prefix="polku-postgres-"))
    served = _Server(programs[-1].parent, folder / "data", ["runuser", "-u", SERVER, "--"] if os.getuid() == 0 else [])
    try:
        if served.as_other:
            shutil.chown(folder, SERVER)
            folder.chmod(0o755)
        served.run("initdb", "--no-sync", "--auth", "peer", "--username", SERVER, "--encoding", "UTF8")
        for name, lines in _authentication().items():
            (served.data / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        options = f"-c listen_addresses='' -c fsync=off -c unix_socket_directories='{folder}'"
        served.run("pg_ctl", "--wait", "--log", str(folder / "log"), "--options", options, "start")
        try:
            postgres = Postgres(folder)
            postgres.execute(SERVER, f"create role {ROLE} login password '{PASSWORD}'")
            yield postgres
        finally:
            served.run("pg_ctl", "--mode", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


@dataclass(frozen=True)
class _Server:
    programs: Path
    data: Path
    as_other: list[str]

    def run(self, program: str, *arguments: str) -> None:
        command = [*self.as_other, str(self.programs / program), "--pgdata", str(self.data), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")


def _authentication() -> dict[str, list[str]]:
    """The test's account is believed to be the server's; the platform's role needs its password."""
    return {
        "pg_hba.conf": [f"local all {SERVER} peer map=test", "local all all scram-sha-256"],
        "pg_ident.conf": [f"test {name} {SERVER}" for name in sorted({getuser(), SERVER})],
    }
