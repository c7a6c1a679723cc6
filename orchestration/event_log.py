"""Dagster's event log in SQLite, with connections that stay open: a night writes a thousand events.

Belongs here: keeping connections. Does not belong here: what is stored and where, which is Dagster's: the same files,
so that a log can change between this class and Dagster's own (`dagster.yaml`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sql import create_engine
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData

MOST_OPEN = 8
"""Runs whose logs are held open at a time; the web server reads many."""


class OpenEventLog(SqliteEventLogStorage):
    """Opens each database once, not six times for an event (7 of a night's 28 seconds before), and does not wait
    until the disk has each event: a killed process loses none, a machine without power at most the last ones.

    `base_dir` is DAGSTER_HOME; the databases are where Dagster has them by default.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, Any] = {}
        super().__init__(str(Path(base_dir) / "history" / "runs"), inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        """What Dagster calls with the settings of `dagster.yaml`."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Any]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                # Sound at any crash, with a write-ahead log (sqlite.org/pragma.html#pragma_synchronous).
                connection.exec_driver_sql("pragma synchronous = normal")
                database = connection.connection.dbapi_connection
                changes = database.total_changes
                yield connection
            # The user interface follows a run by changes of its file, while events wait in the write-ahead log.
            if database.total_changes > changes:
                with suppress(FileNotFoundError):
                    os.utime(self.path_for_shard(shard))

    def _engine(self, shard: str) -> Any:
        engine = self._engines.pop(shard, None)
        if engine is None:
            timeout = {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
            engine = create_engine(self.conn_string_for_shard(shard), connect_args=timeout)
        # The last used one comes last.
        self._engines[shard] = engine
        while len(self._engines) > MOST_OPEN:
            self._engines.pop(next(iter(self._engines))).dispose()
        return engine

    def _close(self) -> None:
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()

    def wipe(self) -> None:
        """Delete every event."""
        self._close()
        super().wipe()

    def dispose(self) -> None:
        """Close everything that is open."""
        self._close()
        super().dispose()
