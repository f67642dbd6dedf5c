"""The same work by everybody, each with a worker and a client in a process of its own: how soon, and how many."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from benchmarks.handoff.sides import OURS, PEERS, RAW, Gone, Side
from benchmarks.handoff.staging import SLOTS, Part
from benchmarks.measuring import Row, at_least, missing, percentile, ratios, shown
from benchmarks.own_redis import redis_server
from benchmarks.redis_floor import inspector

__all__ = ["side_by_side"]


class _Size(msgspec.Struct, frozen=True):
    """How much each side does in a round, and how much a slow one does."""

    asked: int
    drained: int
    rounds: int
    asked_of_slow: int = 5
    drained_of_slow: int = 300


class _Found(msgspec.Struct):
    """What was measured of one side, a round each."""

    middle: list[float] = msgspec.field(default_factory=list[float])
    slow: list[float] = msgspec.field(default_factory=list[float])
    rate: list[float] = msgspec.field(default_factory=list[float])
    trouble: str = ""


def side_by_side(*, small: bool) -> Part:
    """Measure. `small` leaves out the peers."""
    size = _Size(5, 40, 1) if small else _Size(200, 1_000, 5)
    sides = [RAW, OURS] if small else [RAW, OURS, *PEERS]
    found = {side: _Found() for side in sides if side.installed}
    with redis_server() as server:
        for number in range(size.rounds):
            # Every other round backwards, so that no side always follows the same other.
            for side in list(found)[:: -1 if number % 2 else 1]:
                if not found[side].trouble:
                    _measure(side, server.url, size, found[side])
    return Part([*_soon(sides, found), *_many(sides, found)], _notes(size) if small else _notes(size) + _OF_PEERS)


_OF_PEERS = (
    (
        "Peers run as they are meant to, with the versions of benchmarks/peers/constraints-*.txt and hiredis: taskiq by"
        " its own command with RedisStreamBroker and a result backend, Celery with late acknowledgement and a pool of"
        " threads, docket and streaQ with their results by subscription, docket with a minimum_check_interval of a"
        " millisecond (250 by default, and then 8 tasks in each), arq and taskiq's results both with a millisecond"
        " between two looks (at which they never rest) and as they come."
    ),
)


def _notes(size: _Size) -> tuple[str, ...]:
    return (
        (
            "Side by side: worker and client in a process each, also of the floor, started anew in every round on an"
            " empty Redis. Their garbage collectors run as they come. A peer's first finding is its result. Tasks and"
            " answers have the bytes of ours."
        ),
        (
            f"Tasks a second: {size.drained} no-op tasks that wait before the worker starts, {SLOTS} at once, from the"
            " first that is done to the last, by the worker's own clock."
        ),
    )


def _measure(side: Side, url: str, size: _Size, found: _Found) -> None:
    asked = size.asked_of_slow if side.slow else size.asked
    drained = size.drained_of_slow if side.slow else size.drained
    with inspector(url) as look:
        try:
            look.flushall()
            with side.run("worker", url) as _, side.run("client", url) as client:
                client.ask("ask", "seconds", max(1, asked // 4))
                seconds: list[float] = client.ask("ask", "seconds", asked)
            look.flushall()
            with side.run("client", url) as client:
                client.ask("fill", "filled", drained)
            with side.run("worker", url, tasks=drained) as worker:
                rate = drained / worker.hear("drained")
        except Gone as gone:
            if not side.environment:
                raise
            found.trouble = f"failed: {gone}"
            return
    found.middle.append(percentile(seconds, 50))
    found.slow.append(percentile(seconds, 97))
    found.rate.append(rate)


def _soon(sides: Sequence[Side], found: dict[Side, _Found]) -> list[Row]:
    floor = found[RAW]
    rows = [
        shown("side by side, floor: p50", [each * 1e3 for each in floor.middle], "ms"),
        shown("  p97", [each * 1e3 for each in floor.slow], "ms"),
    ]
    for side in sides[1:]:
        what = f"side by side, {side.name}: submit to first finding, p50"
        trouble = _trouble(side, found)
        if trouble:
            rows.append(missing(what, trouble))
            continue
        mine = found[side]
        rows += [
            shown(what, ratios(mine.middle, floor.middle), "x floor"),
            shown("  the same", [each * 1e3 for each in mine.middle], "ms"),
            shown("  p97", ratios(mine.slow, floor.slow), "x floor p97"),
        ]
    return rows


def _many(sides: Sequence[Side], found: dict[Side, _Found]) -> list[Row]:
    floor = found[RAW].rate
    rows = [shown("side by side, floor: no-op tasks, one worker", floor, "a second")]
    for side in sides[1:]:
        what = f"side by side, {side.name}: no-op tasks, one worker"
        trouble = _trouble(side, found)
        if trouble:
            rows.append(missing(what, trouble))
            continue
        mine = found[side].rate
        rows.append(shown(what, mine, "a second"))
        of_floor = ratios(mine, floor)
        rows.append(
            at_least("  against a raw drain", of_floor, "x", 0.25)
            if side is OURS
            else shown("  against a raw drain", of_floor, "x")
        )
        if side is OURS:
            taskiq = [one.rate for peer, one in found.items() if peer.environment == "taskiq"]
            if taskiq and len(taskiq[0]) == len(mine):
                rows.append(at_least("  against taskiq", ratios(mine, taskiq[0]), "x", 1))
            else:
                rows.append(missing("  against taskiq", "not measured"))
    return rows


def _trouble(side: Side, found: dict[Side, _Found]) -> str:
    return found[side].trouble if side in found else "not installed"
