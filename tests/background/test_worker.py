"""The worker: takes what it has room for, never ends because something failed, and leaves cleanly."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import anyio
import pytest

from background import Worker, WorkerSettings, as_reasoner
from background.models.scripted import ScriptedReasoner
from orchestrator.bundle import Bundle
from orchestrator.bus.memory import MemoryBus
from orchestrator.errors import BusUnavailable, ConfigError
from orchestrator.finding import Finding
from orchestrator.ports import Claim, Desk, WorkerBus
from tests.background.office import IN_A_TEST, AwayBus, a_bundle, an_office

pytestmark = pytest.mark.anyio


class Doors:
    """A reasoner whose tasks wait until they are let go; knows how many ran at once."""

    def __init__(self) -> None:
        self.open = anyio.Event()
        self.inside = 0
        self.most = 0
        self.entered = anyio.Event()

    async def run(self, bundle: Bundle, desk: Desk) -> AsyncIterator[Finding]:
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.entered.set()
        try:
            await self.open.wait()
        finally:
            self.inside -= 1
        yield Finding.final(f"{bundle.task} done")


class Counting:
    """Notes the room that was asked for."""

    def __init__(self, bus: WorkerBus) -> None:
        self._bus = bus
        self.rooms: list[int] = []
        self.callers = 0

    async def claim(self, *, room: int) -> Sequence[Claim]:
        self.rooms.append(room)
        self.callers += 1
        assert self.callers == 1, "two callers of claim() at once"
        try:
            return await self._bus.claim(room=room)
        finally:
            self.callers -= 1


async def test_findings_are_stamped_and_the_last_one_is_terminal() -> None:
    script = ScriptedReasoner([Finding.progress("looking"), Finding.partial("half"), Finding.final("all of it")])
    async with an_office(script) as office:
        await office.ask("look")
        answer = await office.answer()
    assert [(item.id, item.seq, item.attempt, item.kind) for item in office.findings] == [
        ("s-1.1", 1, 1, "progress"),
        ("s-1.2", 2, 1, "partial"),
        ("s-1.3", 3, 1, "final"),
    ]
    assert {(item.delegation, item.context_revision) for item in office.findings} == {("s-1", 1)}
    assert answer.text == "all of it"
    script.assert_complete()


async def test_never_more_tasks_than_slots() -> None:
    doors = Doors()
    seen: list[Counting] = []

    def counted(bus: WorkerBus) -> WorkerBus:
        seen.append(Counting(bus))
        return seen[0]

    async with an_office(doors, slots=2, wrap=counted) as office:
        for number in range(1, 6):
            await office.ask(f"task {number}", number=number)
        await office.state("running")
        await office.state("running")
        doors.open.set()
        answers = [await office.answer() for _ in range(5)]
    assert {answer.text for answer in answers} == {f"task {number} done" for number in range(1, 6)}
    assert doors.most == 2
    assert all(1 <= room <= 2 for room in seen[0].rooms)


async def test_a_failing_task_leaves_the_others_and_the_worker_alone(caplog: pytest.LogCaptureFixture) -> None:
    script = ScriptedReasoner([RuntimeError("secret detail")], [Finding.final("fine")])
    async with an_office(script) as office:
        await office.ask("first")
        broken = await office.answer()
        await office.ask("second", number=2)
        fine = await office.answer()
    assert (broken.kind, broken.delegation) == ("error", "s-1")
    assert "secret detail" not in broken.text
    assert "secret detail" in caplog.text, "the trace belongs into the log"
    assert (fine.kind, fine.text) == ("final", "fine")


async def test_each_pool_has_its_reasoner_and_an_unknown_one_gets_an_answer() -> None:
    reasoners = {"a": ScriptedReasoner([Finding.final("from a")]), "b": ScriptedReasoner([Finding.final("from b")])}
    async with an_office(reasoners) as office:
        for number, pool in enumerate(("b", "a", "unknown"), start=1):
            await office.submit(a_bundle(number=number, pool=pool))
        answers = {answer.delegation: answer for answer in [await office.answer() for _ in range(3)]}
    assert [answers[name].text for name in ("s-1", "s-2")] == ["from b", "from a"]
    assert answers["s-3"].kind == "error"
    assert "unknown" in answers["s-3"].text


async def test_a_drain_lets_running_tasks_finish_and_takes_no_more() -> None:
    doors = Doors()
    bus = MemoryBus()
    async with bus.front() as front, bus.worker() as side:
        updates = front.updates("s")
        worker = Worker(side, doors, slots=1)
        async with anyio.create_task_group() as group:
            group.start_soon(worker.run)
            await front.submit(a_bundle("first"))
            await doors.entered.wait()
            await front.submit(a_bundle("second", number=2))
            worker.drain(grace_s=IN_A_TEST)
            assert worker.busy == 1
            doors.open.set()
        # The task group has ended, so `run` has returned by itself.
        assert worker.busy == 0
        told = [event async for event in _until_quiet(updates, 4)]
    assert [event.text for event in told if isinstance(event, Finding)] == ["first done"]


async def _until_quiet(updates: AsyncIterator[object], count: int) -> AsyncIterator[object]:
    for _ in range(count):
        with anyio.move_on_after(IN_A_TEST):
            yield await anext(updates)


async def test_after_the_grace_a_task_is_handed_back_and_another_worker_answers() -> None:
    doors = Doors()
    bus = MemoryBus()
    async with bus.front() as front, bus.worker(name="one") as side:
        worker = Worker(side, doors)
        async with anyio.create_task_group() as group:
            group.start_soon(worker.run)
            await front.submit(a_bundle("first"))
            await doors.entered.wait()
            worker.drain(grace_s=0.0)
        async with an_office(as_reasoner(_told_attempt), bus=bus) as office:
            await office.submit(a_bundle("first"))  # known already: only tells this front end what there is
            answer = await office.answer()
    assert (answer.text, answer.attempt) == ("answered", 2)


async def _told_attempt(bundle: Bundle, desk: Desk) -> str:
    return "answered"


async def test_a_cancelled_worker_hands_its_tasks_back() -> None:
    doors = Doors()
    bus = MemoryBus()
    async with bus.front() as front, bus.worker() as side:
        updates = front.updates("s")
        async with anyio.create_task_group() as group:
            group.start_soon(Worker(side, doors).run)
            await front.submit(a_bundle("first"))
            await doors.entered.wait()
            group.cancel_scope.cancel()
        told = [event async for event in _until_quiet(updates, 3)]
    assert [getattr(event, "state", None) for event in told] == ["queued", "running", "queued"]
    assert doors.inside == 0, "the reasoner was cancelled"


async def test_an_answer_that_is_ready_is_sent_before_the_worker_leaves() -> None:
    """The bus was away when the answer was ready; the worker is cancelled then, and the bus is back."""
    bus = MemoryBus()
    async with bus.front() as front, bus.worker() as side:
        updates = front.updates("s")
        away = AwayBus(side, away=1)
        settings = WorkerSettings(retry_s=IN_A_TEST * 10)
        async with anyio.create_task_group() as group:
            group.start_soon(Worker(away, ScriptedReasoner([Finding.final("ready")]), settings=settings).run)
            await front.submit(a_bundle())
            await away.refused.wait()
            group.cancel_scope.cancel()
        told = [event async for event in _until_quiet(updates, 3)]
    assert [event.text for event in told if isinstance(event, Finding)] == ["ready"]


async def test_a_bus_that_breaks_its_promise_does_not_end_the_worker() -> None:
    class Raising:
        def __init__(self, bus: WorkerBus) -> None:
            self._bus = bus
            self._times = 2

        async def claim(self, *, room: int) -> Sequence[Claim]:
            if self._times:
                self._times -= 1
                raise BusUnavailable("away")
            return await self._bus.claim(room=room)

    settings = WorkerSettings(longest_retry_s=0.0)
    async with an_office(ScriptedReasoner([Finding.final("still here")]), wrap=Raising, settings=settings) as office:
        await office.ask("go")
        assert (await office.answer()).text == "still here"


async def test_a_worker_without_slots_is_refused() -> None:
    async with MemoryBus().worker() as side:
        with pytest.raises(ConfigError):
            Worker(side, ScriptedReasoner(), slots=0)
    with pytest.raises(ConfigError):
        WorkerSettings(outbox=0)
