"""The cluster on which a site lets Spark run the models: where it is, and how it is told something.

Belongs here: the site's settings (`spark.toml` in the data root), the connection to the thrift server, and what may be
said of a failure. Does not belong here: what is built there (`shared_tables`).
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polku.contracts.faults import read_toml
from polku.errors import Exit, Refusal
from polku.layout import DataRoot

ENGINE = "spark"
PROBE_SECONDS = 5
GREETING_SECONDS = 25
"""A server that has just started is slow with its first session; one that is stuck must not hold the night."""

Run = Callable[[str], None]
"""Has Spark carry out a statement. Refuses (ENGINE_UNREACHABLE) when it fails."""


@dataclass(frozen=True)
class Cluster:
    """Settings of `spark.toml`: the thrift server (`host`, `port`, `user`), and the folder (`share`) that it, its
    workers and this machine see under one path."""

    host: str
    port: int
    user: str
    share: Path
    kerberos_service: str | None = None

    @contextmanager
    def session(self) -> Iterator[Run]:
        """A session at the thrift server. Refuses (ENGINE_UNREACHABLE) within 30 seconds where there is none."""
        with closing(self._connect()) as connection, closing(connection.cursor()) as cursor:

            def run(statement: str) -> None:
                with _told():
                    cursor.execute(statement)

            yield run

    def _connect(self) -> Any:
        import thrift_sasl
        from pyhive import hive
        from thrift.transport.TSocket import TSocket

        with _told(f" at {self.host}:{self.port}"):
            # An open port first: the client itself would wait for minutes.
            socket.create_connection((self.host, self.port), PROBE_SECONDS).close()
            plain = TSocket(self.host, self.port)
            plain.setTimeout(GREETING_SECONDS * 1000)
            mechanism = "GSSAPI" if self.kerberos_service else "PLAIN"

            def sasl() -> Any:
                # A server without authentication wants some password all the same.
                return hive.get_installed_sasl(self.host, mechanism, self.kerberos_service, self.user, "none")

            transport = thrift_sasl.TSaslClientTransport(sasl, mechanism, plain)
            connection = hive.connect(username=self.user, thrift_transport=transport)
            plain.setTimeout(None)
            return connection


def read_cluster(root: DataRoot) -> Cluster:
    """The settings of the site. Refuses (ENGINE_UNUSABLE) what is missing, unknown or not confirmed."""
    file = root.engine_settings(ENGINE)
    advice = "docs/engines.md lists its settings."
    if not file.is_file():
        raise Refusal(Exit.ENGINE_UNUSABLE, "the settings of the cluster are missing.", advice, file=file.name)
    given = read_toml(file, Exit.ENGINE_UNUSABLE)
    needed = {"host": str, "port": int, "share": str, "share_is_encrypted": bool}
    known = needed | {"user": str, "kerberos_service": str}
    for key in given.keys() | needed.keys():
        if key not in known:
            raise Refusal(Exit.ENGINE_UNUSABLE, f"there is no setting `{key}`.", advice, file=file.name)
        if type(given.get(key)) is not known[key]:
            kind = known[key].__name__
            raise Refusal(Exit.ENGINE_UNUSABLE, f"`{key}` must be there, as a {kind}.", advice, file=file.name)
    if not given["share_is_encrypted"]:
        raise Refusal(
            Exit.ENGINE_UNUSABLE,
            "rows of persons would lie on a share that is not encrypted.",
            "Spark cannot read what DuckDB encrypts: put `share` on an encrypted volume and confirm it with "
            "`share_is_encrypted = true`.",
            file=file.name,
        )
    share = Path(given["share"])
    if not share.is_absolute() or not share.is_dir():
        raise Refusal(Exit.ENGINE_UNUSABLE, "`share` is no folder of this machine.", "Is it mounted?", file=file.name)
    return Cluster(given["host"], given["port"], given.get("user", "polku"), share, given.get("kerberos_service"))


def kind_of(error: Exception) -> str:
    """Spark's name of an error, or Python's, without its message: that may quote the value it choked on."""
    return next(iter(re.findall(r"\[([A-Z][A-Z_.]+)\]", str(error))), type(error).__name__)


@contextmanager
def _told(where: str = "") -> Iterator[None]:
    """A failure as a refusal."""
    try:
        yield
    except Exception as error:
        kind = kind_of(error)
    else:
        return
    raise Refusal(
        Exit.ENGINE_UNREACHABLE,
        f"Spark{where} does not answer as it should ({kind}).",
        "See that its thrift server runs and can write to the share; its own log has the message.",
    )
