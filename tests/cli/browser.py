"""A real Chromium, driven over a pipe by the DevTools protocol: no library and no port."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["Page", "browser_program", "open_browser"]

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--window-size=1400,1000",
    "--remote-debugging-pipe",
)
LAUNCH = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execvp(sys.argv[3], sys.argv[3:])"
)
KEYS = {" ": "Space", "+": "Equal", "-": "Minus", "0": "Digit0"}


def browser_program() -> str | None:
    """The Chromium of this machine, if it has one."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((found for name in names if (found := shutil.which(name))), None)


class Page:
    """One page, and what went wrong in it."""

    def __init__(self, to: int, back: int) -> None:
        self._to = to
        self._back = back
        self._number = 0
        self._read = b""
        self._session = ""
        self.troubles: list[str] = []
        """Exceptions, and what the page's policy or the network refused."""
        self.requested: list[str] = []
        """Every address the page asked for."""

    def _send(self, method: str, params: dict[str, Any]) -> int:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        return self._number

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the protocol, and its result."""
        number = self._send(method, params)
        deadline = time.monotonic() + 40
        while True:
            message = self._next(deadline)
            if message.get("id") == number:
                assert "error" not in message, message
                return dict(message["result"])
            self._notice(message)

    def _next(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._read:
            ready, _, _ = select.select([self._back], [], [], max(deadline - time.monotonic(), 0))
            assert ready, "the browser does not answer"
            got = os.read(self._back, 1 << 20)
            assert got, "the browser is gone"
            self._read += got
        message, _, self._read = self._read.partition(b"\0")
        return dict(json.loads(message))

    def _notice(self, message: dict[str, Any]) -> None:
        params = message.get("params", {})
        match message.get("method"):
            case "Runtime.exceptionThrown":
                self.troubles.append(json.dumps(params["exceptionDetails"]))
            case "Log.entryAdded":
                self.troubles.append(params["entry"]["text"])
            case "Network.requestWillBeSent":
                self.requested.append(params["request"]["url"])
            case _:
                pass

    def begin(self) -> None:
        """Attach to a page of its own."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def show(self, path: Path, *, scheme: str = "light") -> None:
        """Open the file and wait until its lanes are drawn."""
        self.troubles.clear()
        self.requested.clear()
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", url=path.as_uri())
        deadline = time.monotonic() + 30
        ready = "document.documentElement?.dataset.ready !== undefined"
        while not self.run(f"location.href === {json.dumps(path.as_uri())} && {ready}"):
            assert not self.troubles, self.troubles
            assert time.monotonic() < deadline, "the page never became ready"

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key, as a person would, and let the page draw."""
        code = KEYS.get(key, key)
        extra = {"text": key} if len(key) == 1 else {}
        number = {"Tab": 9, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}.get(key, 0)
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=code, windowsVirtualKeyCode=number, **extra)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=code, windowsVirtualKeyCode=number)
        self.settle()

    def settle(self) -> None:
        """Until what was asked for is drawn."""
        self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")

    def picture(self) -> bytes:
        """What is seen, as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])


@contextmanager
def open_browser(program: str, folder: Path) -> Generator[Page]:
    """Chromium with a profile of its own in `folder`, ended with everything it started."""
    theirs_read, ours_write = os.pipe()
    ours_read, theirs_write = os.pipe()
    # Numbers that cannot be the 3 and 4 on which Chromium listens.
    passed = [fcntl.fcntl(fd, fcntl.F_DUPFD, 20) for fd in (theirs_read, theirs_write)]
    command = [sys.executable, "-c", LAUNCH, *map(str, passed), program, *FLAGS, f"--user-data-dir={folder}"]
    process = subprocess.Popen(
        command, pass_fds=passed, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    for fd in (*passed, theirs_read, theirs_write):
        os.close(fd)
    try:
        page = Page(ours_write, ours_read)
        page.begin()
        yield page
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)
        os.close(ours_read)
        os.close(ours_write)
