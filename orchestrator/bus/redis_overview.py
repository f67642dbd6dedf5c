"""How the hand-off stands, read from outside in one round trip: queues, workers, tasks, dead letters.

What is read is bounded, whatever is there: so many tasks of a lane, so many letters. Never a body of a task, never all
keys. The structs are what `duologue top --json` and `duologue tasks list --json` print; their field names stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from orchestrator.bus.redis_client import RedisClient, RedisSettings, shown_url
from orchestrator.bus.redis_keys import GROUP, Keys
from orchestrator.bus.redis_overview_scripts import LOOK
from orchestrator.bus.redis_registry import Entered

__all__ = [
    "DeadLetter",
    "FrontFacts",
    "Overview",
    "QueueFacts",
    "ServerFacts",
    "TaskFacts",
    "TaskState",
    "Watch",
    "WorkerFacts",
    "as_number",
    "as_text",
    "state_of",
    "task_facts",
]

LANES_AT_ONCE: Final = 64
SHOWN: Final = (
    *("state", "attempt", "task", "session", "front", "worker", "beat", "since", "begun", "deadline", "urgency"),
    "cancel",
)
"""The fields of a task's hash that `LOOK` gives, in its order."""

TaskState = Literal["queued", "running", "done", "cancelled", "dead", "unknown"]
"""`dead`: given up, with a dead letter."""
_STATES: Final[Mapping[str, TaskState]] = {
    "queued": "queued",
    "running": "running",
    "done": "done",
    "cancelled": "cancelled",
}


class ServerFacts(msgspec.Struct, frozen=True):
    """The Redis between the two sides."""

    address: str
    """Without secrets."""
    kind: Literal["Redis", "Valkey"] = "Redis"
    version: str = ""
    """Empty where the server does not tell."""
    memory_used: int = 0
    """Bytes."""
    memory_most: int = 0
    """Bytes; 0: no limit."""
    policy: str = ""
    """What it does when it is full (`maxmemory-policy`)."""


class QueueFacts(msgspec.Struct, frozen=True):
    """One lane of one pool."""

    pool: str
    """Empty: the default pool."""
    urgent: bool
    length: int
    """Waiting and running. At `capacity` nothing more is taken."""
    waiting: int
    running: int
    oldest_waiting_ms: int
    """For how long the first has waited; 0 when none does."""
    capacity: int


class WorkerFacts(msgspec.Struct, frozen=True):
    """One worker of one process, which may have several, for several pools."""

    consumer: str
    name: str
    host: str
    pid: int
    pools: tuple[str, ...]
    slots: int
    busy: int
    """How many tasks it holds."""
    taking: bool
    """Whether it takes more as soon as it has room; not when it finishes to leave."""
    up_ms: int
    beat_ms: int
    """How long ago it was last heard of."""
    stale: bool
    """Not heard of for a lease: what it held goes to others."""
    version: str


class TaskFacts(msgspec.Struct, frozen=True):
    """One task that is not finished."""

    id: str
    state: TaskState
    pool: str
    urgency: str
    task: str
    """Its words, at most 200 characters."""
    session: str
    front: str
    worker: str
    """The consumer that holds it; empty while it waits."""
    attempt: int
    """Of the workers that took it, which this one is; 0 before the first."""
    age_ms: int
    """Since it was handed over."""
    running_ms: int
    """Since its worker took it; 0 while it waits."""
    left_ms: int
    """Until its deadline; below 0 when it is past."""
    beat_ms: int
    """How long ago its worker was last heard of; 0 while it waits."""
    stopping: bool
    """It was called off, and its worker has not confirmed it."""


class DeadLetter(msgspec.Struct, frozen=True):
    """One task that was given up."""

    id: str
    why: str
    pool: str
    urgency: str
    task: str
    session: str
    attempt: int
    age_ms: int
    """Since it was given up."""


class FrontFacts(msgspec.Struct, frozen=True):
    """A front end that waits for a task shown here."""

    name: str
    unread: int
    """What lies in its stream. Read, it is trimmed within a second or two: much of it means that nobody reads."""


class Overview(msgspec.Struct, frozen=True):
    """The hand-off at one moment."""

    at_ms: int
    """The server's clock."""
    lease_ms: int
    server: ServerFacts
    queues: tuple[QueueFacts, ...] = ()
    workers: tuple[WorkerFacts, ...] = ()
    running: tuple[TaskFacts, ...] = ()
    """Those that were handed over first, up to so many a lane."""
    waiting: tuple[TaskFacts, ...] = ()
    """Likewise."""
    retries: int = 0
    """How many of `running` and `waiting` another worker has had before."""
    dead: int = 0
    """How many dead letters there are."""
    letters: tuple[DeadLetter, ...] = ()
    """The newest of them."""
    fronts: tuple[FrontFacts, ...] = ()


class Watch:
    """Looks at the hand-off at `url`. Connects when it first looks; `close` it."""

    def __init__(self, client: RedisClient, url: str, settings: RedisSettings) -> None:
        self._client = client
        self._address = shown_url(url)
        self._settings = settings
        self._keys = Keys(settings.prefix)

    async def look(
        self, *, pools: Sequence[str] = (), running: int = 50, waiting: int = 50, letters: int = 20
    ) -> Overview:
        """The hand-off as it is now, with so many tasks of each lane. Raises `Away`.

        `pools` are all that were used lately where none is named.
        """
        keys = self._keys
        reply = await self._client.script(
            LOOK,
            [keys.pools, keys.workers, keys.dead],
            [keys.prefix, GROUP, LANES_AT_ONCE, running, waiting, letters, *pools],
        )
        now, version, memory, workers, lanes, dead, given_up, fronts = reply
        tasks = [[_task(now, row) for row in rows] for lane in lanes for rows in lane[6:8]]
        taken, left = [task for some in tasks[::2] for task in some], [task for some in tasks[1::2] for task in some]
        return Overview(
            now,
            self._settings.lease_ms,
            _server(self._address, version, memory),
            tuple(sorted((self._queue(now, lane) for lane in lanes), key=lambda q: (q.pool, not q.urgent))),
            tuple(self._workers(now, workers, lanes)),
            tuple(sorted(taken, key=lambda task: -task.age_ms)),
            tuple(sorted(left, key=lambda task: -task.age_ms)),
            # A task that waits counts the attempts it has had, one that runs the one it has.
            sum(task.attempt > 1 for task in taken) + sum(task.attempt > 0 for task in left),
            dead,
            tuple(_letter(now, row) for row in given_up),
            tuple(FrontFacts(as_text(name), unread) for name, unread in fronts),
        )

    def _queue(self, now: int, lane: list[Any]) -> QueueFacts:
        pool, kind, length, held, first = lane[:5]
        waited = max(0, now - as_number(first.partition(b"-")[0])) if first else 0
        return QueueFacts(
            *(as_text(pool), kind == b"urgent", length, max(0, length - held), held, waited, self._settings.capacity)
        )

    def _workers(self, now: int, found: list[bytes], lanes: list[list[Any]]) -> list[WorkerFacts]:
        holding: dict[str, int] = {}
        for lane in lanes:
            for name, count in lane[5]:
                holding[as_text(name)] = holding.get(as_text(name), 0) + as_number(count)
        workers: list[WorkerFacts] = []
        for consumer, value in zip(map(as_text, found[::2]), found[1::2], strict=True):
            beat, _, facts = value.partition(b" ")
            if not consumer:
                continue
            try:
                entered = msgspec.msgpack.decode(facts, type=Entered)
            except msgspec.DecodeError:
                # Of another version: that it lives is known all the same.
                entered = Entered(consumer, pools=())
            silent = max(0, now - as_number(beat))
            workers.append(
                WorkerFacts(
                    *(consumer, entered.name, entered.host, entered.pid, entered.pools, entered.slots),
                    *(holding.pop(consumer, 0), entered.taking, max(0, now - entered.since) if entered.since else 0),
                    *(silent, silent > self._settings.lease_ms, entered.version),
                )
            )
        # Whoever still holds tasks and is in no register has died long ago, or is of an older version.
        workers += [
            WorkerFacts(consumer, consumer.rpartition("-")[0], "", 0, (), 0, held, False, 0, -1, True, "")
            for consumer, held in holding.items()
        ]
        return sorted(workers, key=lambda worker: (worker.pools, worker.host, worker.consumer))


def _server(address: str, version: list[bytes], memory: list[bytes]) -> ServerFacts:
    redis, valkey = map(as_text, version)
    used, most, policy = map(as_text, memory)
    return ServerFacts(
        address, "Valkey" if valkey else "Redis", valkey or redis, as_number(used), as_number(most), policy
    )


def task_facts(now: int, pool: str, id: str, found: Mapping[str, bytes | None], entered_ms: int) -> TaskFacts:
    """What the hash of a task, as far as there is one, says of it at `now`."""
    state = state_of(found.get("state"))
    running = state == "running"

    def since(name: str) -> int:
        moment = as_number(found.get(name))
        return max(0, now - moment) if moment else 0

    deadline = as_number(found.get("deadline"))
    return TaskFacts(
        id,
        state,
        pool,
        as_text(found.get("urgency")) or "normal",
        as_text(found.get("task")),
        as_text(found.get("session")),
        as_text(found.get("front")),
        worker=as_text(found.get("worker")) if running else "",
        attempt=as_number(found.get("attempt")),
        # Without its hash a task has expired in the queue: the next worker only clears it away.
        age_ms=since("since") or max(0, now - entered_ms),
        running_ms=since("begun") if running else 0,
        left_ms=deadline - now if deadline and state in ("queued", "running") else 0,
        beat_ms=since("beat") if running else 0,
        stopping=running and bool(found.get("cancel")),
    )


def _task(now: int, row: list[Any]) -> TaskFacts:
    pool, id_, entry, found = row
    entered_ms = as_number(entry.partition(b"-")[0])
    return task_facts(now, as_text(pool), as_text(id_), dict(zip(SHOWN, found, strict=True)), entered_ms)


def _letter(now: int, row: list[bytes]) -> DeadLetter:
    number, id_, why, session, pool, words, attempt, urgency = map(as_text, row)
    age = max(0, now - as_number(number.partition("-")[0]))
    return DeadLetter(id_, why, pool, urgency or "normal", words, session, as_number(attempt), age)


def state_of(value: bytes | None) -> TaskState:
    """The state in a task's hash."""
    return _STATES.get(as_text(value), "unknown")


def as_text(value: bytes | str | None) -> str:
    """Text, whatever the bytes are."""
    return value.decode(errors="replace") if isinstance(value, bytes) else value or ""


def as_number(value: bytes | str | int | None) -> int:
    """A whole number; 0 for what is none, as an unknown peer may have written."""
    try:
        return int(float(value)) if value else 0
    except ValueError:
        return 0
