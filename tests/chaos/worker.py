"""A worker process of a chaos run: `python -m tests.chaos.worker SPEC`. It works as `duologue worker` does, on errands
made for this, and writes down what it took and what Redis took from it."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import anyio
import msgspec

from orchestrator import Assistant, tool
from orchestrator.bundle import Bundle
from orchestrator.bus import Bus
from orchestrator.bus.redis import RedisBus
from orchestrator.cli.worker import work_until_stopped
from orchestrator.context import Entry
from orchestrator.errors import ClaimLost, ModelError
from orchestrator.finding import Finding
from orchestrator.ports import Claim, Desk, FrontBus, Order, SessionStore, StepLog, ToolCall, WorkerBus
from tests.chaos.errands import ON_PURPOSE, Errand, errand
from tests.chaos.notes import Notes
from tests.chaos.spec import Spec, end_with_parent

_STEP_S = 0.05
_PARTS = 4


class _NotedBus:
    """A bus whose workers' doings are written down."""

    def __init__(self, bus: Bus, notes: Notes) -> None:
        self._bus = bus
        self._notes = notes

    def front(self) -> AbstractAsyncContextManager[FrontBus]:
        return self._bus.front()

    def store(self) -> AbstractAsyncContextManager[SessionStore]:
        return self._bus.store()

    @asynccontextmanager
    async def worker(self, *, name: str = "worker", pools: Sequence[str] = ("",)) -> AsyncGenerator[WorkerBus, None]:
        async with self._bus.worker(name=name, pools=pools) as side:
            yield _NotedWorker(side, self._notes)


class _NotedWorker:
    def __init__(self, side: WorkerBus, notes: Notes) -> None:
        self._side = side
        self._notes = notes

    async def claim(self, *, room: int) -> Sequence[Claim]:
        return [_NotedClaim(claim, self._notes) for claim in await self._side.claim(room=room)]


class _NotedClaim:
    def __init__(self, claim: Claim, notes: Notes) -> None:
        self._claim = claim
        self._notes = notes
        self._note("claimed", task=claim.bundle.task)

    @property
    def bundle(self) -> Bundle:
        return self._claim.bundle

    @property
    def attempt(self) -> int:
        return self._claim.attempt

    def orders(self) -> AsyncIterator[Order]:
        return self._claim.orders()

    @property
    def left_ms(self) -> int:
        return self._claim.left_ms

    @property
    def steps(self) -> StepLog:
        return self._claim.steps

    async def publish(self, *findings: Finding) -> None:
        try:
            await self._claim.publish(*findings)
        except ClaimLost:
            self._note("lost", finding=findings[-1].id)
            raise

    async def finish(self, *findings: Finding) -> None:
        try:
            await self._claim.finish(*findings)
        except ClaimLost:
            self._note("lost", finding=findings[-1].id)
            raise
        self._note("finished", finding=findings[-1].id, kind=findings[-1].kind)

    async def confirm_cancelled(self, reason: str) -> None:
        await self._claim.confirm_cancelled(reason)
        self._note("called off")

    async def hand_back(self) -> None:
        await self._claim.hand_back()
        self._note("handed back")

    def _note(self, type_: str, **fields: object) -> None:
        self._notes.write(type_, delegation=self.bundle.id, attempt=self.attempt, **fields)


class _Clerk:
    """Does errands."""

    def __init__(self, folder: Path, notes: Notes) -> None:
        self._folder = folder
        self._notes = notes
        self._told: dict[str, int] = {}
        """Up to where a task's conversation has been told."""

    async def run(self, bundle: Bundle, desk: Desk) -> AsyncIterator[Finding]:
        wanted = errand(bundle.task)
        self._check(bundle, bundle.context, 0)
        word = ""
        for part in range(_PARTS if wanted.work == "parts" else 1):
            word = await self._pass_time(bundle, desk, word)
            if wanted.work == "parts":
                yield Finding.partial(f"Part {part + 1} of {wanted.tag}.")
        answer = ""
        match wanted.work:
            case "wait" | "parts":
                pass
            case "ask":
                said = await desk.ask(f"Which {wanted.tag}?")
                # A very long line of the person's may be the answer; read out whole it would take minutes.
                answer = f" with {said[:60]}"
            case "charge":
                [charged] = await desk.call(ToolCall("charge", {"tag": wanted.tag, "call": bundle.id}))
                answer = f" ({'charged' if charged.ok else 'not charged again'})"
            case "fail":
                yield Finding.error(f"The {wanted.tag} cannot be had.")
                return
            case "break":
                raise ModelError(ON_PURPOSE) if wanted.number % 2 else RuntimeError(ON_PURPOSE)
            case "poison":
                self._poison(bundle, wanted)
        # Read as late as possible, and once: whatever comes after it makes this answer an old one.
        word = self._read(bundle, desk, word)
        yield Finding.final(f"The {wanted.tag} is done{answer}{f' as {word}' if word else ''}.")

    async def _pass_time(self, bundle: Bundle, desk: Desk, word: str) -> str:
        wanted = errand(bundle.task)
        parts = _PARTS if wanted.work == "parts" else 1
        until = anyio.current_time() + wanted.number / 1_000 / parts
        while (left := until - anyio.current_time()) > 0:
            await desk.progress(f"{wanted.tag}: {left:.1f} s to go")
            with anyio.move_on_after(min(left, _STEP_S)):
                await desk.amended()
            word = self._read(bundle, desk, word)
        return word

    def _read(self, bundle: Bundle, desk: Desk, word: str) -> str:
        """The last correction, if there is a new one."""
        for amendment in desk.amendments():
            # What answers a question comes another way, with what was said until then.
            if errand(bundle.task).work != "ask" and amendment.entries:
                self._check(bundle, amendment.entries, self._told[bundle.id])
            word = amendment.text if amendment.text and not amendment.answers else word
        return word

    def _check(self, bundle: Bundle, entries: Sequence[Entry], since: int) -> None:
        """Everything that was said has to be there, each in its place."""
        found = [entry.revision for entry in entries]
        begins = found[0] if found else since + 1
        whole = found == list(range(begins, begins + len(found))) and begins <= since + 1
        if not whole or (not since and len(found) != bundle.revision):
            self._notes.write("gap", delegation=bundle.id, since=since, found=[*found[:1], *found[-1:]], n=len(found))
        self._told[bundle.id] = max([since, *found])

    def _poison(self, bundle: Bundle, wanted: Errand) -> None:
        """Take the process along, as often as the errand says."""
        taken = self._folder / f"poison-{bundle.id}"
        with taken.open("ab") as file:
            file.write(b".")
        if taken.stat().st_size <= wanted.number % 100:
            self._notes.write("poisoned", delegation=bundle.id)
            os.kill(os.getpid(), signal.SIGKILL)


def main(spec: Spec) -> int:
    """Work until told to stop."""
    end_with_parent()
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    folder = Path(spec.folder)
    notes = Notes(folder / "workers" / f"{spec.name}-{os.getpid()}.ndjson")
    ledger = os.open(folder / "charges", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    @tool(idempotent=False)
    async def charge(tag: str, call: str) -> str:
        """Take money, which must not happen twice.

        Args:
            tag: What for.
            call: Whose call it is.
        """
        os.write(ledger, f"{call}\n".encode())
        await anyio.sleep(_STEP_S)
        return f"charged for {tag}"

    bus = _NotedBus(RedisBus(spec.url, settings=spec.bus()), notes)
    assistant = Assistant(tools=[charge], background=_Clerk(folder, notes), bus=bus)
    notes.write("began", pid=os.getpid(), name=spec.name)
    code = work_until_stopped(assistant, spec.url)
    notes.write("stopped", code=code)
    return code


if __name__ == "__main__":
    sys.exit(main(msgspec.json.decode(sys.argv[1], type=Spec)))
