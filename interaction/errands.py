"""What goes to the bus, in order: submit, amend, cancel. Kept and tried again while the bus is away."""

from __future__ import annotations

from typing import assert_never

import anyio
from anyio.abc import ObjectSendStream

from interaction.outbox import Outbox
from orchestrator.bundle import Amendment, Bundle, Cancellation
from orchestrator.errors import BusBusy, BusUnavailable
from orchestrator.events import Event
from orchestrator.finding import Finding
from orchestrator.ports import FrontBus

__all__ = ["Errand", "run_errands"]

Errand = Bundle | Amendment | Cancellation

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0


async def run_errands(bus: FrontBus, errands: Outbox[Errand], inbox: ObjectSendStream[Event]) -> None:
    """Run until cancelled. Order is kept: an amendment never overtakes the task that it amends."""
    while (got := await errands.get()) is not None:
        errand, _ = got
        if isinstance(errand, Bundle) and _called_off(errands, errand.id):
            continue
        await _insist(bus, errand, errands, inbox)


async def _insist(bus: FrontBus, errand: Errand, errands: Outbox[Errand], inbox: ObjectSendStream[Event]) -> None:
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
            if isinstance(errand, Bundle) and _called_off(errands, errand.id):
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


def _called_off(errands: Outbox[Errand], task: str) -> bool:
    """Whether a task that nobody has yet was cancelled meanwhile; then none of its errands need to run."""
    waiting = errands.waiting()
    if not any(isinstance(errand, Cancellation) and errand.delegation == task for errand in waiting):
        return False
    for errand in waiting:
        if not isinstance(errand, Bundle) and errand.delegation == task:
            errands.remove(errand)
    return True


def _refused(errand: Errand, busy: BusBusy) -> Finding:
    task = errand.id if isinstance(errand, Bundle) else errand.delegation
    waiting = f"{busy.length} tasks wait, the oldest for {busy.oldest_ms // 1_000} seconds"
    text = f"The background has too much to do just now ({waiting}). Please ask again in a moment."
    # The answer to a task that no worker will ever see; number 0 is the front end's own.
    return Finding.error(text).stamped(delegation=task, attempt=1, seq=0, context_revision=2**31)
