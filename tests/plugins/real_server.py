"""A real model server for a test: llama.cpp's, with a tiny model of random weights, on a free loopback port.

Both are made on the spot: the model by scripts/make_tiny_model.py, the server's environment by
scripts/ensure-model-server. Where that could not be installed, the tests are skipped; in CI they fail.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from orchestrator.completions.switch import allowing
from tests.plugins.redis_server import free_port

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-model-server" / "bin" / "python"
# Read once, since some tests empty the environment.
IN_CI = bool(os.environ.get("CI"))


class RealServer:
    """One llama.cpp server. Its methods block: in an async test they stand for what happens outside of the program."""

    def __init__(self, model: Path, *, key: str = "", window: int = 16384, slots: int = 2) -> None:
        self._options = ["--key", key, "--window", str(window), "--slots", str(slots)]
        self._key = key
        self._model = model
        self._process: subprocess.Popen[bytes] | None = None
        self.port: int = free_port()
        self.url: str = f"http://127.0.0.1:{self.port}/v1"
        self.window: int = window

    def start(self, *, wait: bool = True) -> None:
        """Start it, on the same port; until it has loaded the model, unless `wait` is false."""
        log = self._model.with_suffix(f".{self.port}.log")
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [PYTHON, ROOT / "scripts" / "serve_model.py", self._model, "--port", str(self.port), *self._options],
                stdout=out,
                stderr=out,
            )
        until = time.monotonic() + 30
        while wait:
            try:
                if self.get("/health", seconds=5) == {"status": "ok"}:
                    return
            except OSError:
                pass
            if time.monotonic() > until or self._process.poll() is not None:
                pytest.fail(f"llama.cpp's server did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)

    def kill(self) -> None:
        """End it as kill -9 does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process = None

    def hang(self) -> None:
        """Stop it in its tracks: connections stay open, and nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def get(self, path: str, *, seconds: float = 20) -> Any:
        """What it says of itself, looked at from outside."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self._key}"})
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def busy(self) -> int:
        """How many answers it is generating."""
        return sum(1 for slot in self.get("/slots") if slot["is_processing"])


@contextmanager
def running(server: RealServer) -> Generator[RealServer]:
    """The same, started, and ended whatever happens."""
    with allowing(server.port):
        try:
            server.start()
            yield server
        finally:
            server.kill()


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a model that speaks nonsense."""
    if not PYTHON.exists():
        say: Any = pytest.fail if IN_CI else pytest.skip
        say("llama.cpp's server is not installed: scripts/ensure-model-server does it")
    made = tmp_path_factory.mktemp("model") / "tiny.gguf"
    command: Sequence[str | Path] = [sys.executable, ROOT / "scripts" / "make_tiny_model.py", made]
    subprocess.run(command, check=True)
    return made


@pytest.fixture(scope="session")
def real_server(tiny_model: Path) -> Iterator[RealServer]:
    """One that the tests of a run share, one after the other."""
    with running(RealServer(tiny_model)) as server:
        yield server


@pytest.fixture
def own_real_server(tiny_model: Path) -> Iterator[RealServer]:
    """One of the test's own, not started yet, that may be killed."""
    server = RealServer(tiny_model)
    with allowing(server.port):
        yield server
    server.kill()
