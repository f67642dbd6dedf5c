"""The sides that are held against each other: each a worker program and a client program that the benchmark starts.

How they speak is said in `benchmarks.peers.speaking`. A side whose environment has not been made is not installed.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, cast

import msgspec

from benchmarks.handoff.staging import SLOTS, answer_bytes, task_bytes

__all__ = ["OURS", "PEERS", "RAW", "Gone", "Program", "Side"]

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0


class Gone(Exception):
    """A program has ended, or said nothing for too long."""


class Program:
    """One process of a side. Blocks."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Workers that are killed, and a Redis that goes away, make others talk a lot.
            stderr=None if os.environ.get("BENCH_LOUD") else subprocess.DEVNULL,
            env=environment,
            cwd=ROOT,
            # So that what it starts ends with it.
            start_new_session=True,
        )
        self._news: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def tell(self, do: str, times: int = 1) -> None:
        """Give an order."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, "times": times}).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise Gone("it has ended") from error

    def hear(self, what: str, patience_s: float = PATIENCE_S) -> Any:
        """Wait until it says so. Raises `Gone`."""
        while True:
            try:
                news = self._news.get(timeout=patience_s)
            except queue.Empty:
                raise Gone(f"it did not say {what!r} within {patience_s:g} s") from None
            if news is None:
                raise Gone("it has ended")
            if what in news:
                return news.get("seconds", news[what])

    def said(self, what: str) -> bool:
        """Whether it has said so since it was last heard."""
        try:
            self.hear(what, 0.01)
        except Gone:
            return False
        return True

    def ask(self, do: str, what: str, times: int = 1) -> Any:
        """Give an order, and wait for its answer. Raises `Gone`."""
        self.tell(do, times)
        return self.hear(what)

    def kill(self) -> None:
        """End it, and what it has started, as kill -9 does."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._listener.join(5)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                news = json.loads(line)
            except ValueError:
                continue
            if isinstance(news, dict):
                self._news.put(cast(dict[str, Any], news))
        self._news.put(None)


class Side(msgspec.Struct, frozen=True):
    """One way to hand work over."""

    name: str
    program: str
    """The module, or for a peer the file."""
    environment: str = ""
    """The peer's environment; empty for our own."""
    poll_s: float = 0.0
    """How often it looks for work and for results, where it polls; 0 for its defaults."""
    slow: bool = False
    """Whether it takes so long for an answer that few are enough."""

    @property
    def python(self) -> str:
        """The Python that runs it."""
        return str(ROOT / ".venv-peers" / self.environment / "bin" / "python") if self.environment else sys.executable

    @property
    def installed(self) -> bool:
        """Whether it can be run."""
        return Path(self.python).exists()

    @contextmanager
    def run(
        self, role: Literal["client", "worker"], url: str, *, tasks: int = 0, patience_s: float = 5.0
    ) -> Generator[Program]:
        """Start one of its programs, and end it afterwards. A worker is returned when it is ready. Raises `Gone`."""
        given = {
            "role": role,
            "url": url,
            "task": "t" * len(task_bytes()),
            "answer": "a" * len(answer_bytes()),
            "tasks": tasks,
            "slots": SLOTS,
            "poll_s": self.poll_s,
            "patience_s": patience_s,
        }
        what = [str(ROOT / self.program)] if self.environment else ["-m", self.program]
        program = Program(
            [self.python, *what, json.dumps(given)], {**os.environ, "PYTHONPATH": "" if self.environment else str(ROOT)}
        )
        try:
            if role == "worker":
                program.hear("ready", 30)
            yield program
        finally:
            program.kill()


RAW = Side("bare redis-py", "benchmarks.handoff.raw_side")
OURS = Side("duologue", "benchmarks.handoff.our_side")
PEERS = (
    Side("taskiq, results every 1 ms", "benchmarks/peers/taskiq_side.py", "taskiq", 0.001),
    Side("taskiq, its defaults", "benchmarks/peers/taskiq_side.py", "taskiq", slow=True),
    Side("docket, looking every 1 ms", "benchmarks/peers/docket_side.py", "docket", 0.001),
    Side("streaQ", "benchmarks/peers/streaq_side.py", "streaq", slow=True),
    Side("Celery", "benchmarks/peers/celery_side.py", "celery"),
    Side("arq, polling every 1 ms", "benchmarks/peers/arq_side.py", "arq", 0.001),
    Side("arq, its defaults", "benchmarks/peers/arq_side.py", "arq", slow=True),
)
