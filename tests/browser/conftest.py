from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from polku.layout import CHECKOUT
from tests.browser.webdriver import Browser, free_port
from tests.conftest import SMALL_STUDY as STUDY

PATIENCE_S = 240
"""How long a page may need; a night over the small study takes about half a minute."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, waiting: Path) -> Path:
    """A data folder in which every delivery of the small study waits in the inbox."""
    folder = tmp_path_factory.mktemp("data")
    shutil.copytree(waiting, folder / STUDY, symlinks=True)
    return folder


@pytest.fixture(scope="module")
def address(data: Path) -> Iterator[str]:
    """Where the real user interface listens: web server and daemon, as `make ui` starts them."""
    home = data / "dagster"
    home.mkdir()
    shutil.copy(CHECKOUT / "dagster.yaml", home)
    port = free_port()
    command = [sys.executable, "-m", "dagster", "dev", "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(
        [*command, "--workspace", "workspace.yaml"],
        cwd=CHECKOUT,
        env={**os.environ, "POLKU_DATA": str(data), "POLKU_STUDY": STUDY, "DAGSTER_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert server.stdout
    try:
        assert any("Serving dagster-webserver" in line for line in server.stdout)
        Thread(target=server.stdout.read, daemon=True).start()  # a full pipe would stop it
        yield f"http://127.0.0.1:{port}"
    finally:
        # Web server, daemon and code server are a session of their own, of which some do not listen to a request.
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip("needs chromium and chromedriver")
    with Browser(tmp_path_factory.mktemp("profile"), PATIENCE_S) as browser:
        yield browser
