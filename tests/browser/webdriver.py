"""A real headless Chromium, driven over the W3C WebDriver protocol: plain HTTP, so no library is needed."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError
from urllib.request import Request, urlopen

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1800,1200",
)
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""The key under which WebDriver hands out elements (W3C recommendation, section 12)."""


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class WebDriverError(Exception):
    """The driver's error code, such as `no such element` or `stale element reference`."""


class Browser:
    """One browser with a fresh profile. Finding an element waits until it is there."""

    def __init__(self, profile: Path, patience_s: float) -> None:
        self.patience_s = patience_s
        self.port = free_port()
        self.capabilities = {
            "goog:chromeOptions": {
                "binary": shutil.which("chromium"),
                "args": [*FLAGS, f"--user-data-dir={profile}"],
            },
            "goog:loggingPrefs": {"browser": "ALL"},
        }

    def __enter__(self) -> Self:
        command = [str(shutil.which("chromedriver")), f"--port={self.port}"]
        self.driver = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self.driver.stdout
        next(line for line in self.driver.stdout if "started successfully" in line)
        self.session = ""
        self.session = self._call("POST", "", {"capabilities": {"alwaysMatch": self.capabilities}})["sessionId"]
        self._call("POST", "/timeouts", {"implicit": int(self.patience_s * 1000)})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._call("DELETE", "")
        # The session is closed. Some drivers stay when they are only asked to end.
        self.driver.kill()
        self.driver.communicate()

    def open(self, url: str) -> None:
        """Go to a page."""
        self._call("POST", "/url", {"url": url})

    def find(self, xpath: str) -> str:
        """The first element at `xpath`, as soon as there is one; fails with the page's address after a while."""
        try:
            return str(self._call("POST", "/element", {"using": "xpath", "value": xpath})[ELEMENT])
        except WebDriverError as error:
            raise AssertionError(f"not found at {self._call('GET', '/url')}: {xpath}") from error

    def text(self, xpath: str) -> str:
        """What a person reads there."""
        return str(self._at(xpath, "GET", "text"))

    def click(self, xpath: str) -> None:
        """Click what is there."""
        self._at(xpath, "POST", "click", {})

    def resize(self, width: int, height: int) -> None:
        """Give the window another size, in CSS pixels with its frame."""
        self._call("POST", "/window/rect", {"width": width, "height": height})

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script of the page returns."""
        return self._call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def press(self, *keys: str) -> None:
        """Press and release keys, one after the other (WebDriver gives the special ones code points from U+E000)."""
        strokes = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]})

    def complaints(self) -> list[str]:
        """What the pages have written to the console since the last call: errors, refused requests and all else."""
        return [str(entry["message"]) for entry in self._call("POST", "/se/log", {"type": "browser"})]

    def print(self) -> bytes:
        """The page as PDF, on the paper that its style sheet asks for."""
        options = {"background": True, "page": {"width": 21.0, "height": 29.7}}
        return base64.b64decode(self._call("POST", "/print", options))

    def _at(self, xpath: str, method: str, action: str, body: dict[str, Any] | None = None) -> Any:
        """Act on an element; the page may redraw it after it was found, then it is looked for again."""
        while True:
            try:
                return self._call(method, f"/element/{self.find(xpath)}/{action}", body)
            except WebDriverError as error:
                if str(error) not in ("stale element reference", "element click intercepted"):
                    raise

    def screenshot(self, file: Path) -> None:
        """What the window shows now."""
        file.write_bytes(base64.b64decode(self._call("GET", "/screenshot")))

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        url = f"http://127.0.0.1:{self.port}/session" + (f"/{self.session}{path}" if self.session else path)
        data = None if body is None else json.dumps(body).encode()
        request = Request(url, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urlopen(request, timeout=self.patience_s + 30) as response:
                return json.load(response)["value"]
        except HTTPError as error:
            raise WebDriverError(json.load(error)["value"]["error"]) from error
