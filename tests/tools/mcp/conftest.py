"""Real servers of the official SDK: as a program, of either kind of handshake, and at an address."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.mcp import McpServer

SERVER = Path(__file__).with_name("library_server.py")


@pytest.fixture(params=["stdio", "stdio old"])
def library(request: pytest.FixtureRequest, mark: Path) -> McpServer:
    """The server as a program, with the newer and the older handshake."""
    return McpServer.stdio("library", sys.executable, [str(SERVER), *request.param.split()], env={"MARK": str(mark)})


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """Where the server writes that a call was cancelled."""
    return tmp_path / "mark"


class Web:
    """The server at an address; it can be killed, and started again at the same one."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/mcp"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(SERVER), "http", str(self.port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        pytest.fail("the server did not come up")

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()


@pytest.fixture
def web() -> Iterator[Web]:
    """A server at an address of this machine."""
    web = Web()
    web.start()
    yield web
    web.kill()
