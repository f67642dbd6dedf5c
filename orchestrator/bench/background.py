"""The simulated background: does each request's work as the scenario says, as a transport would bring it.

Pure, as the person is. It takes what the session orders (`Delegate`, `Amend`, `Cancel`) and gives the events of the
bus, among them failures, a dead worker and its successor, duplicates, and results that come after they were called off.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from heapq import heappop, heappush
from typing import Final

import msgspec

from orchestrator.bench.scenario import Arrival, Happening, Work
from orchestrator.effects import Amend, Cancel, Delegate
from orchestrator.events import DelegationUpdate
from orchestrator.finding import Finding

__all__ = ["Background", "Brought"]

_REQUEST: Final = re.compile(r"r\d+")


class Brought(msgspec.Struct, frozen=True):
    """What reaches the front end at an instant, and which arrival of which request it is."""

    event: Finding | DelegationUpdate
    request: str = ""
    arrival: Arrival | None = None


class _Running(msgspec.Struct):
    """One delegation at work."""

    delegation: str
    work: Work
    revision: int
    next: int = 0
    """The arrival that is waited for."""
    due_ms: int | None = None
    latest_ms: int = 0
    """When it comes without its cue."""

    @property
    def wakes_ms(self) -> int:
        """When the next arrival is due, as far as it is known now."""
        return self.latest_ms if self.due_ms is None else self.due_ms


class Background:
    """Works on what it is given. Time only ever grows."""

    def __init__(self, works: Iterable[Work]) -> None:
        self._works: dict[str, Work] = {work.request: work for work in works}
        self._running: dict[str, _Running] = {}
        self._ready: list[tuple[int, int, Brought]] = []
        self._count: int = 0
        self._past: set[Happening] = set()
        self.requests: dict[str, str] = {}
        """Which request each delegation works on."""

    @property
    def wakes_ms(self) -> int | None:
        """When something is brought next, as far as it is known now."""
        times = [running.wakes_ms for running in self._running.values()]
        if self._ready:
            times.append(self._ready[0][0])
        return min(times, default=None)

    def order(self, order: Delegate | Amend | Cancel, now_ms: int) -> str:
        """Take an order. Returns the request that is begun with it, or nothing."""
        match order:
            case Delegate():
                return self._start(order.id, order.task, order.revision, now_ms)
            case Amend():
                before = self._running.get(order.delegation)
                if not order.text:
                    return ""
                if before is not None and before.work.deaf:
                    # Its result is on its way already, and answers the request as it was.
                    self._running[f"{order.delegation} as it was"] = before
                return self._start(order.delegation, order.text, order.revision, now_ms)
            case Cancel():
                running = self._running.get(order.delegation)
                if running is not None and not running.work.deaf:
                    del self._running[order.delegation]
                return ""

    def notice(self, happening: Happening, now_ms: int) -> None:
        """Something happened that an arrival may have waited for."""
        self._past.add(happening)
        for running in self._running.values():
            cue = running.work.arrivals[running.next].cue
            if running.due_ms is None and cue.met_by(happening):
                running.due_ms = now_ms + cue.after_ms

    def bring(self, now_ms: int) -> tuple[Brought, ...]:
        """Everything that arrives now."""
        for name, running in list(self._running.items()):
            while (due := running.wakes_ms) <= now_ms:
                self._arrive(running, running.work.arrivals[running.next], now_ms)
                running.next += 1
                if running.next == len(running.work.arrivals):
                    del self._running[name]
                    break
                self._wait(running, due)
        brought: list[Brought] = []
        while self._ready and self._ready[0][0] <= now_ms:
            brought.append(heappop(self._ready)[2])
        return tuple(brought)

    def _start(self, delegation: str, task: str, revision: int, now_ms: int) -> str:
        request = str(_REQUEST.findall(task)[-1])
        self.requests[delegation] = request
        running = self._running[delegation] = _Running(delegation, self._works[request], revision)
        self._wait(running, now_ms)
        return request

    def _wait(self, running: _Running, now_ms: int) -> None:
        cue = running.work.arrivals[running.next].cue
        running.latest_ms = now_ms + cue.within_ms
        due = cue.on == "arrival" or cue.past(self._past)
        running.due_ms = now_ms + cue.after_ms if due else None

    def _arrive(self, running: _Running, arrival: Arrival, now_ms: int) -> None:
        delegation, request = running.delegation, running.work.request
        match arrival.kind:
            case "running":
                self._put(now_ms, Brought(DelegationUpdate(delegation, "running")))
            case "dies":
                self._put(now_ms, Brought(DelegationUpdate(delegation, "queued", "its worker has died")))
            case "progress" | "partial" | "final" | "error":
                finding = Finding(
                    arrival.text,
                    arrival.kind,
                    urgency=arrival.urgency,
                    expires_at_ms=now_ms + arrival.expires_ms if arrival.expires_ms else None,
                    supersedes=self._replaced(running, arrival),
                ).stamped(
                    delegation=delegation,
                    attempt=arrival.attempt,
                    seq=arrival.seq,
                    context_revision=running.revision,
                )
                for after_ms in (0, *arrival.again_ms):
                    self._put(now_ms + after_ms, Brought(finding, request, arrival))

    def _replaced(self, running: _Running, arrival: Arrival) -> tuple[str, ...]:
        """The findings of this delegation that hold what is not true any more."""
        old = [
            Finding(before.text, "partial", delegation=running.delegation, attempt=before.attempt, seq=before.seq).id
            for before in running.work.arrivals[: running.next]
            if set(before.facts) & set(arrival.replaces)
        ]
        return tuple(old)

    def _put(self, at_ms: int, brought: Brought) -> None:
        self._count += 1
        heappush(self._ready, (at_ms, self._count, brought))
