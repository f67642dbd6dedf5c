"""A redis-server of our own: on a free loopback port, in a folder of its own, ended by its own process."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager

__all__ = ["OwnRedis", "redis_server"]


class OwnRedis:
    """One redis-server. `kept`: it writes down what it is told (AOF, once a second), and has it again after a kill.

    Raises `SystemExit` with a line for the person where there is none to start.
    """

    def __init__(self, folder: str, *, kept: bool = False) -> None:
        binary = shutil.which("redis-server")
        if binary is None:
            raise SystemExit("redis-server is not installed; the hand-off cannot be measured without it")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port: int = probe.getsockname()[1]
        place = ("--port", str(self._port), "--bind", "127.0.0.1", "--dir", folder)
        self._command = (binary, *place, "--save", "", "--appendonly", "yes" if kept else "no", "--loglevel", "warning")
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Start it, and return when it takes commands."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while not self._answers():
            if time.monotonic() > until or self._process.poll() is not None:
                raise SystemExit("redis-server did not start")
            time.sleep(0.002)

    def kill(self) -> None:
        """End it as kill -9 does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                # While it still reads its AOF it answers with an error.
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False


@contextmanager
def redis_server(*, kept: bool = False) -> Generator[OwnRedis]:
    """A redis-server that runs, and is ended in the end."""
    with tempfile.TemporaryDirectory() as folder:
        server = OwnRedis(folder, kept=kept)
        server.start()
        try:
            yield server
        finally:
            server.kill()
