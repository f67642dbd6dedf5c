"""A real redis-server for a test: on a free loopback port, in a folder of its own, ended by its own process.

`DUOLOGUE_TEST_REDIS_SERVER=/path/to/redis-server` runs the tests with another one: an older one, or a Valkey.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest
import redis

# Read once, since some tests empty the environment.
ANOTHER = os.environ.get("DUOLOGUE_TEST_REDIS_SERVER")
# What may stay without a TTL: the streams of what is outstanding, with their group. A task must not expire unseen.
PERMANENT = ("duo:{0}:jobs", "duo:{0}:urgent")


class RedisServer:
    """One redis-server. Its methods block: in an async test they stand for what happens outside of the program."""

    def __init__(self, folder: Path, *, persistent: bool, options: Sequence[str] = (), port: int = 0) -> None:
        self._folder = folder
        self.persistent: bool = persistent
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port or free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, on the same port and with what it had written down."""
        self._process = subprocess.Popen(
            [
                *(redis_binary(), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder)),
                *("--save", "", "--appendonly", "yes" if self.persistent else "no", "--appendfsync", "always"),
                *("--loglevel", "warning", *self._options),
            ],
            stdout=subprocess.DEVNULL,
        )
        until = time.monotonic() + 20
        while True:
            try:
                with self.client() as client:
                    client.ping()
                return
            except (redis.ConnectionError, redis.TimeoutError):
                if time.monotonic() > until or self._process.poll() is not None:
                    pytest.fail("redis-server did not start")
                time.sleep(0.01)

    @property
    def is_alive(self) -> bool:
        """Whether it has been started and not been killed."""
        return self._process is not None

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

    def wake(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def client(self) -> Any:
        """A client of the test's own, for a look from outside. `Any`, since redis-py does not type its answers."""
        # What is binary comes out as odd characters, and goes in again as the same bytes.
        return redis.Redis(port=self.port, decode_responses=True, encoding_errors="surrogateescape", socket_timeout=20)

    def keys_without_ttl(self) -> list[str]:
        """What would stay for ever, and is not meant to."""
        with self.client() as client:
            names: list[str] = [str(name) for name in client.scan_iter()]
            return [name for name in names if client.ttl(name) == -1 and not name.startswith(PERMANENT)]


def redis_binary() -> str:
    """The redis-server that the tests run."""
    binary = ANOTHER or shutil.which("redis-server")
    if binary is None:
        pytest.fail("redis-server is not installed: `apt install redis-server` or `brew install redis`")
    return binary


def redis_is(*, since: str) -> bool:
    """Whether the redis-server that the tests run is of this version or newer, or a Valkey."""
    shown = subprocess.run([redis_binary(), "--version"], capture_output=True, text=True, check=True).stdout
    version = shown.partition(" v=")[2].partition(" ")[0]
    return "alkey" in shown or [int(part) for part in version.split(".")] >= [int(part) for part in since.split(".")]


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class _Server(Protocol):
    def start(self) -> None: ...
    def kill(self) -> None: ...


Server = TypeVar("Server", bound=_Server)


@contextmanager
def started(server: Server) -> Generator[Server]:
    """The same, started, and ended whatever happens."""
    try:
        server.start()
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with started(RedisServer(tmp_path_factory.mktemp("redis"), persistent=False)) as server:
        yield server


@pytest.fixture
def redis_server(shared_server: RedisServer) -> Iterator[RedisServer]:
    """An empty Redis, shared by the tests of a run one after the other. Fails a test that leaves a key for ever."""
    with shared_server.client() as client:
        client.flushall()
        client.script_flush()
    yield shared_server
    assert shared_server.keys_without_ttl() == []


@pytest.fixture(params=[True, False], ids=["kept", "lost"])
def mortal_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of the test's own, not started yet, that may be killed: once with its data kept, once with it lost."""
    server = RedisServer(tmp_path, persistent=bool(request.param))
    yield server
    server.kill()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of the test's own, not started yet."""
    server = RedisServer(tmp_path, persistent=False)
    yield server
    server.kill()
