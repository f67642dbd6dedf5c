"""What dies is really killed: a worker with a task, and the redis-server. How soon it goes on, ours and the peers'."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from time import monotonic, sleep

from benchmarks.handoff.sides import OURS, PEERS, Gone, Program, Side
from benchmarks.handoff.staging import Part
from benchmarks.measuring import Row, at_most, missing, shown
from benchmarks.own_redis import redis_server

__all__ = ["redis_dying", "workers_dying"]

LEASE_S = 1.0
TIMEOUT_OF_PEERS_S = 5.0
"""Longer than their second worker needs to start: some of them would else give it what the first is still at."""
PATIENCE_S = 40.0
"""After this long a task that was not begun again is told as lost."""


def workers_dying(*, small: bool) -> Part:
    """kill -9 of the worker that has a task, to the moment when another has begun it. `small` leaves out the peers."""
    rounds = 1 if small else 9
    took = [_taken_over(OURS, LEASE_S, number) / LEASE_S for number in range(rounds)]
    rows = [at_most("worker killed, to its task begun again, p50", took, "leases", 1.5)]
    if small:
        return Part(rows)
    rows += [_worker_row(side) for side in _once_each()]
    return Part(
        rows,
        (
            (
                "Worker killed: two workers, a task that does not end, kill -9 for the one that has it. Ours with a"
                f" lease of {LEASE_S:g} s, which is renewed, so that a task may take as long as it will; killed at"
                " another moment of the lease each time."
            ),
            (
                f"Peers once, with a timeout of {TIMEOUT_OF_PEERS_S:g} s, and with a new task every half second."
                " taskiq's idle_timeout and Celery's visibility_timeout (with a sweep as often) are not renewed, so a"
                " task that takes longer is done twice; their defaults are 10 minutes and 1 hour. docket's"
                " redelivery_timeout and streaQ's idle_timeout are renewed, as ours is. arq waits for the task's own"
                " timeout (300 s by default), and 10 s more."
            ),
        ),
    )


def _worker_row(side: Side) -> Row:
    what = f"{side.name}: worker killed, to its task begun again"
    if not side.installed:
        return missing(what, "not installed")
    try:
        return shown(what, _taken_over(side, TIMEOUT_OF_PEERS_S, 0) / TIMEOUT_OF_PEERS_S, "x its timeout")
    except Gone as gone:
        return missing(what, f"lost: {gone}")


def _taken_over(side: Side, lease_s: float, number: int) -> float:
    """Seconds from the kill to the other's beginning."""
    with redis_server() as server, ExitStack() as stack:
        client = stack.enter_context(side.run("client", server.url, patience_s=lease_s))
        first = stack.enter_context(side.run("worker", server.url, patience_s=lease_s))
        client.ask("hold", "held")
        first.hear("begun")
        # It must not be the first that reads, so it comes now.
        second = stack.enter_context(side.run("worker", server.url, patience_s=lease_s))
        # At another moment of the lease, of the renewal and of the sweep each time.
        sleep((0.1 + 0.13 * number) * lease_s)
        if second.said("begun"):
            raise Gone("begun by the second worker while the first was still at it")
        first.kill()
        killed = monotonic()
        while True:
            try:
                second.hear("begun", 0.5)
                return monotonic() - killed
            except Gone:
                if monotonic() - killed > PATIENCE_S or not second.alive:
                    raise Gone(f"not begun again within {PATIENCE_S:g} s") from None
            if side is not OURS:
                # taskiq looks for what was abandoned only after it has read something new.
                client.ask("fill", "filled")


def redis_dying(*, small: bool) -> Part:
    """kill -9 of redis-server, and back at once, to the first new finding. `small` leaves out the peers."""
    rounds = 1 if small else 7
    rows: list[Row] = []
    for kept, what, bar in ((True, "with AOF", 0.5), (False, "empty", 2.0)):
        took, ended = _returned(OURS, rounds, kept=kept)
        rows.append(at_most(f"redis-server killed and back, {what}: to the first new finding", took, "s", bar))
        rows.append(at_most("  workers that have ended", ended, "", 0))
        rows += [_redis_row(side, kept=kept, what=what) for side in (() if small else _once_each())]
    return Part(
        rows,
        (
            (
                "redis-server killed: kill -9 and started again at once, on the same port. From the moment that it"
                " takes commands to the first finding of a task that is asked for then, and asked for again while that"
                " fails. Front end and worker are a process each, and have worked before. AOF is written once a second."
            ),
        ),
    )


def _redis_row(side: Side, *, kept: bool, what: str) -> Row:
    label = f"{side.name}: redis-server killed and back, {what}"
    if not side.installed:
        return missing(label, "not installed")
    try:
        took, ended = _returned(side, 3, kept=kept)
    except Gone as gone:
        return missing(label, f"does not come back: {gone}")
    if ended:
        return missing(label, f"its worker exits (after {len(took)} of 3)")
    return shown(label, took, "s")


def _returned(side: Side, rounds: int, *, kept: bool) -> tuple[list[float], int]:
    """Seconds from the moment when Redis is back to an answer, and how many workers ended."""
    with redis_server(kept=kept) as server, ExitStack() as stack:
        worker: Program = stack.enter_context(side.run("worker", server.url))
        client: Program = stack.enter_context(side.run("client", server.url))
        took: list[float] = []
        for _ in range(rounds):
            client.ask("ask", "seconds", 5)
            server.kill()
            server.start()
            back = monotonic()
            client.tell("ask")
            try:
                client.hear("seconds", PATIENCE_S)
            except Gone:
                if worker.alive:
                    raise
                return took, 1
            took.append(monotonic() - back)
        return took, 0 if worker.alive else 1


def _once_each() -> Sequence[Side]:
    """The peers, each as it is named first."""
    return list({side.environment: side for side in reversed(PEERS)}.values())[::-1]
