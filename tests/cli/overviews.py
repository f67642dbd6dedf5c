"""Hand-offs as they may be found, for tests of what is shown of them."""

from __future__ import annotations

from typing import Any

import msgspec

from orchestrator.bus.redis_overview import DeadLetter, Overview, QueueFacts, ServerFacts, TaskFacts, WorkerFacts

__all__ = ["busy", "letter", "overview", "queue", "running", "worker"]

SERVER = ServerFacts("redis://localhost:6379", "Redis", "7.4.0", 5 * 1024 * 1024, 0, "noeviction")


def overview(**facts: Any) -> Overview:
    values: dict[str, Any] = {"at_ms": 1_000_000, "lease_ms": 5_000, "server": SERVER}
    return Overview(**(values | facts))


def queue(**facts: Any) -> QueueFacts:
    values: dict[str, Any] = {"pool": "", "urgent": False, "waiting": 0, "running": 0, "oldest_waiting_ms": 0}
    values |= {"capacity": 100, **facts}
    return QueueFacts(**values, length=values["waiting"] + values["running"])


def worker(number: int = 1, **facts: Any) -> WorkerFacts:
    values: dict[str, Any] = {"consumer": f"worker-{number}", "name": "worker", "host": "north", "pid": 4_000 + number}
    values |= {"pools": ("",), "slots": 4, "busy": 0, "taking": True, "up_ms": 60_000, "beat_ms": 400, "stale": False}
    values |= {"version": "1"}
    return WorkerFacts(**(values | facts))


def running(number: int = 1, **facts: Any) -> TaskFacts:
    values: dict[str, Any] = {"id": f"s-{number}", "state": "running", "pool": "", "urgency": "normal"}
    values |= {"task": f"find the word number {number}", "session": "s", "front": "f", "worker": "worker-1"}
    values |= {"attempt": 1, "age_ms": 5_000, "running_ms": 4_000, "left_ms": 60_000, "beat_ms": 300}
    values |= {"stopping": False}
    return TaskFacts(**(values | facts))


def letter(number: int = 1, **facts: Any) -> DeadLetter:
    values: dict[str, Any] = {"id": f"d-{number}", "why": "dead", "pool": "", "urgency": "normal", "session": "s"}
    values |= {"task": "find it", "attempt": 6, "age_ms": 120_000}
    return DeadLetter(**(values | facts))


def busy(tasks: int = 20) -> Overview:
    """Much of everything."""
    found = overview(
        queues=(queue(waiting=tasks, running=tasks, oldest_waiting_ms=1_000), queue(pool="research", waiting=0)),
        workers=tuple(worker(number, slots=10, busy=5, pools=("", "research")) for number in range(8)),
        running=tuple(running(number, task="a word " * 30) for number in range(tasks)),
        letters=tuple(letter(number, age_ms=10**8) for number in range(9)),
        dead=9,
    )
    return msgspec.structs.replace(found, retries=3)
