"""How the hand-off stands, read from outside: queues, workers, tasks, dead letters.

What is read is bounded, whatever is there: so many tasks of a lane, so many letters. No body of a task comes over the
wire, and never are all keys gone through. The structs are what `duologue top --json` and `duologue tasks list --json`
print; their field names stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from orchestrator.bus.redis_client import RedisClient, RedisSettings, shown_url
from orchestrator.bus.redis_keys import GROUP, Keys
from orchestrator.bus.redis_overview_scripts import FACTS, LOOK
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
STRAYS: Final = 5
"""Tasks a lane whose workers are in no register."""
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


class _Entry(msgspec.Struct, frozen=True):
    consumer: str
    beat: int
    facts: Entered | None


class Watch:
    """Looks at the hand-off at `url`. Connects when it first looks; `close` it."""

    def __init__(self, client: RedisClient, url: str, settings: RedisSettings) -> None:
        self._client = client
        self._address = shown_url(url)
        self._settings = settings
        self._keys = Keys(settings.prefix)

    async def look(self, *, running: int = 50, letters: int = 20) -> Overview:
        """The hand-off as it is now, with at most so many tasks that run, as their workers have them. Raises `Away`.

        Two round trips. A task that was taken a moment ago may be missing; `waiting` stays empty.
        """
        reply = await self._ask(STRAYS, 0, 0, letters, ())
        overview = self._overview(reply)
        # A worker that died is in the register for a while, with what has gone to another one by now.
        holders = (worker.facts for worker in _entries(reply[3]) if worker.facts is not None)
        ids = list(dict.fromkeys(id for facts in holders for id in facts.held))[:running]
        if not ids:
            return overview
        jobs = [self._keys.job(id) for id in ids]
        now, rows, fronts = await self._client.script(FACTS, jobs, [self._keys.prefix, *ids])
        # The register is a moment old: what has ended since is no longer running.
        held = [task for row in rows if (task := _task(now, row)).state == "running"]
        others = {front.name: front for front in (*overview.fronts, *map(_front, fronts))}
        taken = list({task.id: task for task in (*overview.running, *held)}.values())
        return msgspec.structs.replace(
            overview,
            running=tuple(sorted(taken, key=lambda task: -task.running_ms)[:running]),
            retries=sum(task.attempt > 1 for task in taken),
            fronts=tuple(others.values()),
        )

    async def tasks(self, *, pools: Sequence[str], running: int, waiting: int, letters: int) -> Overview:
        """The hand-off as it is now, with so many tasks of each lane, of all pools where none is named. Raises `Away`.

        One round trip, but costlier for Redis, which goes through the bodies of these tasks.
        """
        return self._overview(await self._ask(0, running, waiting, letters, pools))

    async def _ask(self, strays: int, running: int, waiting: int, letters: int, pools: Sequence[str]) -> list[Any]:
        keys = self._keys
        return await self._client.script(
            LOOK,
            [keys.pools, keys.workers, keys.dead],
            [keys.prefix, GROUP, LANES_AT_ONCE, strays, running, waiting, letters, *pools],
        )

    def _overview(self, reply: list[Any]) -> Overview:
        now, version, memory, workers, lanes, dead, given_up, fronts = reply
        taken = [_task(now, row) for lane in lanes for row in lane[6]]
        left = [_task(now, row) for lane in lanes for row in lane[7]]
        return Overview(
            now,
            self._settings.lease_ms,
            _server(self._address, version, memory),
            tuple(sorted((self._queue(now, lane) for lane in lanes), key=lambda q: (q.pool, not q.urgent))),
            tuple(self._workers(now, _entries(workers), lanes)),
            tuple(sorted(taken, key=lambda task: -task.age_ms)),
            tuple(sorted(left, key=lambda task: -task.age_ms)),
            # A task that waits counts the attempts it has had, one that runs the one it has.
            sum(task.attempt > 1 for task in taken) + sum(task.attempt > 0 for task in left),
            dead,
            tuple(_letter(now, row) for row in given_up),
            tuple(map(_front, fronts)),
        )

    def _queue(self, now: int, lane: list[Any]) -> QueueFacts:
        pool, kind, length, held, first = lane[:5]
        waited = max(0, now - as_number(first.partition(b"-")[0])) if first else 0
        return QueueFacts(
            *(as_text(pool), kind == b"urgent", length, max(0, length - held), held, waited, self._settings.capacity)
        )

    def _workers(self, now: int, entries: list[_Entry], lanes: list[list[Any]]) -> list[WorkerFacts]:
        holding: dict[str, int] = {}
        for lane in lanes:
            for name, count in lane[5]:
                holding[as_text(name)] = holding.get(as_text(name), 0) + as_number(count)
        workers: list[WorkerFacts] = []
        for entry in entries:
            # Of another version, it may not be understood: that it lives is known all the same.
            entered = entry.facts or Entered(entry.consumer, pools=())
            silent = max(0, now - entry.beat)
            workers.append(
                WorkerFacts(
                    entry.consumer,
                    entered.name,
                    entered.host,
                    entered.pid,
                    entered.pools,
                    entered.slots,
                    # Fresher than what it wrote down itself.
                    busy=holding.pop(entry.consumer, 0),
                    taking=entered.taking,
                    up_ms=max(0, now - entered.since) if entered.since else 0,
                    beat_ms=silent,
                    stale=silent > self._settings.lease_ms,
                    version=entered.version,
                )
            )
        # Whoever still holds tasks and is in no register has died long ago, or is of an older version.
        workers += [
            WorkerFacts(consumer, consumer.rpartition("-")[0], "", 0, (), 0, held, False, 0, -1, True, "")
            for consumer, held in holding.items()
        ]
        return sorted(workers, key=lambda worker: (worker.pools, worker.host, worker.consumer))


def _entries(flat: list[bytes]) -> list[_Entry]:
    """The register. Its empty name is no worker."""
    entries: list[_Entry] = []
    for consumer, value in zip(map(as_text, flat[::2]), flat[1::2], strict=True):
        beat, _, facts = value.partition(b" ")
        if not consumer:
            continue
        try:
            entered = msgspec.msgpack.decode(facts, type=Entered)
        except msgspec.DecodeError:
            entered = None
        entries.append(_Entry(consumer, as_number(beat), entered))
    return entries


def _front(row: list[Any]) -> FrontFacts:
    return FrontFacts(as_text(row[0]), row[1])


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
