"""What is wrong with a hand-off, if anything, and what to do about it: one line each, the worst first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from orchestrator.bus.redis_overview import Overview, QueueFacts, WorkerFacts
from orchestrator.cli.table import span

__all__ = ["advice", "pool_name"]

_PATIENT_MS: Final = 2_000
"""A task may wait this long before it is worth a line: a worker that is just about to take it is no trouble."""
_CROWDED_MS: Final = 30_000
_NEARLY: Final = 0.9
_UNREAD: Final = 1_000
_FRESH_MS: Final = 3_600_000
"""What was given up longer ago than this has been seen by somebody, or never will be."""
_LATE_MS: Final = 5_000
"""A worker ends a task at its deadline; this is the time that takes it."""


def advice(overview: Overview) -> tuple[str, ...]:
    """The lines; none where all is well."""
    if _full(overview):
        # Whatever else looks wrong may be because of it: workers cannot even say that they live.
        return tuple(_of_redis(overview))
    return (
        *_of_redis(overview),
        *_of_queues(overview),
        *_of_workers(overview),
        *_of_tasks(overview),
    )


def pool_name(pool: str) -> str:
    """How a pool is called."""
    return f"the pool {pool}" if pool else "the default pool"


def _full(overview: Overview) -> bool:
    server = overview.server
    return 0 < server.memory_most <= server.memory_used and server.policy in ("", "noeviction")


def _of_redis(overview: Overview) -> Iterator[str]:
    server = overview.server
    if _full(overview):
        yield f"{server.kind} is full: it takes no tasks and no answers; give it more memory, or make room in it"
    elif server.memory_most and server.memory_used >= _NEARLY * server.memory_most:
        share = 100 * server.memory_used // server.memory_most
        yield f"{server.kind} is {share} % full: soon it takes no tasks; give it more memory, or see what else is in it"
    if server.memory_most and server.policy not in ("", "noeviction"):
        yield f"{server.kind} throws tasks away when it is full ({server.policy}): set maxmemory-policy to noeviction"


def _of_queues(overview: Overview) -> Iterator[str]:
    if not any(queue.length for queue in overview.queues) and all(worker.stale for worker in overview.workers):
        yield "nobody works here: a task that comes has to wait; start a worker (duologue worker)"
    pools = {queue.pool: [other for other in overview.queues if other.pool == queue.pool] for queue in overview.queues}
    for pool, lanes in pools.items():
        waiting = sum(lane.waiting for lane in lanes)
        oldest = max(lane.oldest_waiting_ms for lane in lanes)
        alive = [worker for worker in overview.workers if pool in worker.pools and not worker.stale]
        name = pool_name(pool)
        yield from _of_room(name, lanes)
        if not waiting or oldest < _PATIENT_MS:
            continue
        tasks = f"{_count(waiting, 'task')} {'wait' if waiting > 1 else 'waits'}, the oldest for {span(oldest)}"
        if waiting == 1:
            tasks = f"1 task waits, for {span(oldest)}"
        if not alive:
            yield f"no worker serves {name}: {tasks}; start one"
        elif not any(worker.taking for worker in alive):
            yield f"every worker of {name} is finishing to leave: {tasks}; start one"
        elif oldest >= _CROWDED_MS:
            yield from _of_crowd(name, tasks, alive)


def _of_room(name: str, lanes: Sequence[QueueFacts]) -> Iterator[str]:
    for lane in lanes:
        kind = "the urgent queue" if lane.urgent else "the queue"
        if lane.length >= lane.capacity:
            yield f"{kind} of {name} is full: {lane.length} tasks, and new ones are refused; run more workers"
        elif lane.length >= _NEARLY * lane.capacity:
            yield f"{kind} of {name} is nearly full: {lane.length} of {lane.capacity} tasks; run more workers"


def _of_crowd(name: str, tasks: str, alive: Sequence[WorkerFacts]) -> Iterator[str]:
    slots, busy = sum(worker.slots for worker in alive), sum(worker.busy for worker in alive)
    if busy >= slots:
        yield f"{name} has too few workers: {tasks}, and all {slots} slots are busy; run more"
    else:
        yield f"{name} does not get on: {tasks}, though {slots - busy} of {slots} slots are free; see its workers' logs"


def _of_workers(overview: Overview) -> Iterator[str]:
    for worker in overview.workers:
        if not worker.stale:
            continue
        silent = f"for {span(worker.beat_ms)}" if worker.beat_ms >= 0 else "for long"
        gone = f"the worker {worker.consumer} was not heard of {silent}: it hangs, or has died"
        if not worker.busy:
            yield gone
            continue
        alive = (other for other in overview.workers if not other.stale)
        others = any(set(other.pools) & set(worker.pools or other.pools) for other in alive)
        then = "goes to another" if others else "waits for one; start one"
        yield f"{gone}, and what it holds ({_count(worker.busy, 'task')}) {then}"


def _of_tasks(overview: Overview) -> Iterator[str]:
    late = [task for task in overview.running if task.left_ms < -_LATE_MS]
    if late:
        which = ", ".join(task.id for task in late[:3]) + (" and others" if len(late) > 3 else "")
        yield f"past the deadline and still running: {which}; its worker hangs: duologue tasks retry, or end the worker"
    for front in overview.fronts:
        if front.unread >= _UNREAD:
            yield f"the front end {front.name} leaves {front.unread} updates unread: it hangs, or has died"
    fresh = [letter for letter in overview.letters if letter.age_ms < _FRESH_MS]
    if fresh:
        more = "at least " if len(fresh) == len(overview.letters) < overview.dead else ""
        given = f"{more}{_count(len(fresh), 'task')} {'was' if len(fresh) == 1 else 'were'} given up within the hour"
        yield f"{given}, the last {span(fresh[0].age_ms)} ago: duologue tasks list --state dead"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
