"""What goes to the bus, in order: submit, amend, cancel. Kept and tried again while the bus is away.

Each goes out only when the session that wants it is kept (`Books.settled`), one at a time. So of those that a killed
front end had not ticked off at most the first may be out already, and whoever goes on may send them all again: a task
is known by its id, and an order that equals the last one is not taken twice.
"""

from __future__ import annotations

from typing import Protocol, assert_never

import anyio
from anyio.abc import ObjectSendStream

from interaction.outbox import Outbox
from orchestrator.bundle import Amendment, Bundle, Cancellation
from orchestrator.errors import BusBusy, BusUnavailable
from orchestrator.events import Event
from orchestrator.finding import Finding
from orchestrator.ports import FrontBus

__all__ = ["Books", "Errand", "run_errands"]

Errand = Bundle | Amendment | Cancellation

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 0.4


class Books(Protocol):
    """Who keeps the list of errands."""

    async def settled(self) -> None:
        """Return when all that has happened so far is kept."""
        ...

    def done(self, errand: Errand) -> None:
        """It has been carried out, or need not be any more."""
        ...


async def run_errands(bus: FrontBus, errands: Outbox[Errand], inbox: ObjectSendStream[Event], books: Books) -> None:
    """Run until cancelled. Order is kept: an amendment never overtakes the task that it amends."""
    while (got := await errands.get()) is not None:
        errand, _ = got
        await books.settled()
        if not (isinstance(errand, Bundle) and _called_off(errands, errand.id, books)):
            await _insist(bus, errand, errands, inbox, books)
        books.done(errand)


async def _insist(
    bus: FrontBus, errand: Errand, errands: Outbox[Errand], inbox: ObjectSendStream[Event], books: Books
) -> None:
    pause = _FIRST_PAUSE_S
    while True:
        try:
            await _run(bus, errand)
        except BusBusy as busy:
            await inbox.send(_refused(errand, busy))
        except BusUnavailable:
            # The bus says itself that it is down (BusDown); here it only matters that nothing is lost.
            await anyio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)
            if isinstance(errand, Bundle) and _called_off(errands, errand.id, books):
                return
            continue
        return


async def _run(bus: FrontBus, errand: Errand) -> None:
    match errand:
        case Bundle():
            await bus.submit(errand)
        case Amendment() | Cancellation():
            await bus.order(errand)
        case _:
            assert_never(errand)


def _called_off(errands: Outbox[Errand], task: str, books: Books) -> bool:
    """Whether a task that nobody has yet was cancelled meanwhile; then none of its errands need to run."""
    waiting = errands.waiting()
    if not any(isinstance(errand, Cancellation) and errand.delegation == task for errand in waiting):
        return False
    for errand in waiting:
        if not isinstance(errand, Bundle) and errand.delegation == task:
            errands.remove(errand)
            books.done(errand)
    return True


def _refused(errand: Errand, busy: BusBusy) -> Finding:
    task = errand.id if isinstance(errand, Bundle) else errand.delegation
    waiting = f"{busy.length} tasks wait, the oldest for {busy.oldest_ms // 1_000} seconds"
    text = f"The background has too much to do just now ({waiting}). Please ask again in a moment."
    # The answer to a task that no worker will ever see; number 0 is the front end's own.
    return Finding.error(text).stamped(delegation=task, attempt=1, seq=0, context_revision=2**31)
