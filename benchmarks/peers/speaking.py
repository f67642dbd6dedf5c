"""How a side and the benchmark speak: one JSON object a line, orders on stdin and news on stdout.

Imported by programs that run with another environment's Python. So it needs nothing but Python itself.

A client hears `{"do": "ask", "times": n}` (answers with the `seconds` of each), `fill` (queues n tasks and says
`filled`), `hold` (hands over a task that does not end, and says `held`). It ends with its stdin. A worker says `ready`,
then `begun` for every task that does not end, and `drained` with the `seconds` from its first task to its last.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import threading
import time
from dataclasses import dataclass
from time import perf_counter
from typing import Any

__all__ = ["HOLD", "NOTHING", "Counter", "Given", "given", "next_order", "say"]

HOLD = "hold"
NOTHING = "nothing"


@dataclass(frozen=True)
class Given:
    """What the benchmark asks for."""

    role: str
    """`client` or `worker`."""
    url: str
    task: str
    """Goes along with every task. As many bytes as a task of ours has; text, since not all peers pass bytes."""
    answer: str
    tasks: int
    """How many tasks the worker will do until it says that it is done."""
    slots: int
    """How many of them at once."""
    poll_s: float
    """How often to look for work and results, where a peer polls; 0 for its defaults."""
    patience_s: float
    """After how long a task whose worker has died is somebody else's."""


def given() -> Given:
    """From the command line, or from the environment where the program is started by the peer's own command."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    text = sys.argv[1] if len(sys.argv) == 2 else os.environ["BENCH_GIVEN"]
    return Given(**json.loads(text))


def _end_with(parent: int) -> None:
    """A side that asks again while it fails must not do so for ever, when nobody is there any more."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(0)


def say(**news: Any) -> None:
    """Tell the benchmark something. In one write, since others may write too."""
    os.write(1, json.dumps(news).encode() + b"\n")


def next_order() -> dict[str, Any] | None:
    """Wait for the next order; `None` when there will be none."""
    line = sys.stdin.readline()
    return json.loads(line) if line else None


class Counter:
    """Counts what a worker does, in whichever of its threads."""

    def __init__(self, tasks: int) -> None:
        self._tasks = tasks
        self._numbers = itertools.count(1)
        self._begun = 0.0

    def add(self) -> None:
        """A task has been done."""
        done = next(self._numbers)
        if done == 1:
            self._begun = perf_counter()
        elif done == self._tasks:
            say(drained=done, seconds=perf_counter() - self._begun)
