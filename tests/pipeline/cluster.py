"""A Spark cluster of separate processes on the loopback address: a master, two workers, and a thrift server.

Belongs here: starting it from the wheel of pyspark, waiting for it, and ending it by process id. Does not belong here:
what runs on it.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from pyhive import hive

from polku.layout import DataRoot

HOME = Path(str(distribution("pyspark").locate_file("pyspark")))
STARTS_WITHIN = 240
"""Seconds; on an idle machine the driver is there after 20."""
# Only the first compiler of the JVM, since these processes do not live long enough for the second to pay, and room for
# all that it compiles: its usual room is full after half a night, and it stops.
JVM = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"
CONFIGURATION = """
spark.master {master}
spark.driver.host 127.0.0.1
spark.driver.bindAddress 127.0.0.1
spark.ui.enabled false
spark.ui.showConsoleProgress false
spark.master.rest.enabled false
spark.sql.shuffle.partitions 2
spark.sql.session.timeZone UTC
spark.sql.warehouse.dir file:{folder}/unused
spark.executor.memory 1g
spark.executor.cores 1
spark.executor.extraJavaOptions {jvm}
spark.hadoop.javax.jdo.option.ConnectionURL jdbc:derby:memory:metastore;create=true
"""
LOGGING = """
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n%ex
"""


@dataclass(frozen=True)
class Running:
    """The cluster: addresses of its thrift server and of its master, and its worker processes."""

    thrift_port: int
    master_page: str
    workers: list[subprocess.Popen[bytes]]

    def state(self) -> dict[str, Any]:
        """What the master says of itself, its workers and its applications."""
        with urllib.request.urlopen(f"{self.master_page}/json/", timeout=10) as answer:
            found = json.load(answer)
            assert isinstance(found, dict)
            return found


@contextmanager
def cluster(folder: Path) -> Iterator[Running]:
    """Started in `folder`, which keeps the output of each process; all of them are ended at the end."""
    master_port, page_port, thrift_port = free_ports(3)
    master = f"spark://127.0.0.1:{master_port}"
    configured = CONFIGURATION.format(master=master, folder=folder, jvm=JVM)
    (folder / "spark-defaults.conf").write_text(configured, encoding="utf-8")
    (folder / "log4j2.properties").write_text(LOGGING, encoding="utf-8")
    with ExitStack() as processes:

        def start(name: str, memory: str, *command: str) -> subprocess.Popen[bytes]:
            env = os.environ | {
                "SPARK_HOME": str(HOME),
                "SPARK_CONF_DIR": str(folder),
                "SPARK_LOCAL_IP": "127.0.0.1",
                "SPARK_LOCAL_DIRS": str(folder / "scratch"),
                "SPARK_DAEMON_MEMORY": memory,
                "SPARK_DAEMON_JAVA_OPTS": JVM,
                "SPARK_SUBMIT_OPTS": JVM,
                "PYSPARK_PYTHON": sys.executable,
            }
            with (folder / f"{name}.log").open("wb") as log:
                process = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log)
            processes.callback(end, process)
            return process

        spark_class = str(HOME / "bin" / "spark-class")
        deploy = "org.apache.spark.deploy"
        start(
            "master",
            "256m",
            spark_class,
            f"{deploy}.master.Master",
            "-h",
            "127.0.0.1",
            "-p",
            str(master_port),
            "--webui-port",
            str(page_port),
        )
        workers = [
            start(
                name,
                "256m",
                spark_class,
                f"{deploy}.worker.Worker",
                master,
                "-h",
                "127.0.0.1",
                "-c",
                "1",
                "-m",
                "1g",
                "-d",
                str(folder / name),
                "--webui-port",
                "0",
            )
            for name in ("worker_1", "worker_2")
        ]
        running = Running(thrift_port, f"http://127.0.0.1:{page_port}", workers)
        wait_until(lambda: running.state()["aliveworkers"] == 2)
        start(
            "driver",
            "1g",
            str(HOME / "bin" / "spark-submit"),
            "--class",
            "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2",
            "--hiveconf",
            f"hive.server2.thrift.port={thrift_port}",
            "--hiveconf",
            "hive.server2.thrift.bind.host=127.0.0.1",
            "spark-internal",
        )
        wait_until(lambda: socket.create_connection(("127.0.0.1", thrift_port), 1).close() is None)
        # The first session makes the catalog, which takes longer than a night waits for one.
        hive.connect("127.0.0.1", thrift_port, username="polku").close()
        yield running


def write_settings(root: DataRoot, port: int, share: Path) -> None:
    """Where the platform finds the thrift server and the share."""
    root.engine_settings("spark").write_text(
        f'host = "127.0.0.1"\nport = {port}\nshare = "{share}"\nshare_is_encrypted = true\n', encoding="utf-8"
    )


def wait_until(ready: Callable[[], bool]) -> None:
    """Ask again and again, for as long as a process may take to start."""
    until = time.monotonic() + STARTS_WITHIN
    while True:
        try:
            if ready():
                return
        except (OSError, json.JSONDecodeError):
            # Nobody listens yet, or the master's pages are there before what it says as JSON.
            pass
        assert time.monotonic() < until, "a process of the cluster did not start; its output is in its folder"
        threading.Event().wait(0.2)


def end(process: subprocess.Popen[bytes]) -> None:
    """End this process and what it has started in its place."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nobody listens on now."""
    with ExitStack() as open_ones:
        sockets = [open_ones.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
