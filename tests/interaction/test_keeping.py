"""The driver saves its session as it goes; whatever kills it, another one goes on. In virtual time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager

import anyio
import pytest

from interaction.clock import SystemClock
from interaction.links.scripted import ScriptedLink
from interaction.loop import drive
from orchestrator.bundle import Amendment, Bundle, Cancellation
from orchestrator.bus.memory import MemoryBus
from orchestrator.bus.memory_sessions import lost
from orchestrator.clock import START, Instant, after, from_ms
from orchestrator.context import Assigned
from orchestrator.effects import Emit, LedgerChanged, MicroTurn, StopSpeaking
from orchestrator.errors import BusUnavailable, ClaimLost, SessionLost
from orchestrator.events import (
    BusEvent,
    ModelAmended,
    ModelCancelled,
    ModelDelegated,
    ModelEvent,
    ModelSpoke,
    UserEvent,
    UserText,
)
from orchestrator.finding import Finding
from orchestrator.journal import Record, Recorder
from orchestrator.ports import Claim, FrontBus, Opening, Order, OwnedSession
from orchestrator.session import Session
from orchestrator.state import Snapshot
from orchestrator.testing.playing import plain_voice
from orchestrator.testing.virtual import run_virtual
from orchestrator.timing import default_policy
from tests.interaction.test_loop import FunctionVoice
from tests.orchestrator.driving import a_session, only, said

STORE_MS, BUS_MS = 7, 3
"""How long a save and a hand-over take."""


class Disk:
    """What outlives a process: the last snapshot that arrived."""

    def __init__(self) -> None:
        self.kept: Snapshot | None = None
        self.saves = 0
        self.away_until = 0.0


class Owned:
    """A store that takes a while, and of which nothing arrives any more once its process is dead."""

    keep_ms = 86_400_000

    def __init__(self, disk: Disk) -> None:
        self.kept = disk.kept
        self.away_ms = 0
        self.revision = 0 if disk.kept is None else disk.kept.revision
        self.dead = False
        self.evicted = anyio.Event()
        self._disk = disk
        self._said: tuple[bytes, ...] = () if disk.kept is None else disk.kept.said

    async def save(self, snapshot: Snapshot) -> bool:
        await anyio.sleep(STORE_MS / 2_000)
        if anyio.current_time() < self._disk.away_until:
            raise BusUnavailable("away")
        if self.evicted.is_set():
            raise lost("s")
        if snapshot.since != self.revision:
            return False
        if not self.dead:
            self._said, self.revision = (*self._said, *snapshot.said), snapshot.revision
            self._disk.kept = Snapshot(
                snapshot.version,
                snapshot.at,
                snapshot.config,
                snapshot.state,
                self._said,
                0,
                snapshot.revision,
                snapshot.ended,
                snapshot.errands,
            )
            self._disk.saves += 1
        await anyio.sleep(STORE_MS / 2_000)
        return True

    async def watch(self) -> None:
        await self.evicted.wait()
        raise lost("s")


class Wire:
    """The hand-off, a little slow; it does nothing for a dead process. `sent` is what went over it."""

    def __init__(self, front: FrontBus, disk: Disk, owned: Owned, sent: list[Bundle | Order]) -> None:
        self._front = front
        self._disk = disk
        self._owned = owned
        self._sent = sent

    async def submit(self, bundle: Bundle) -> None:
        await self._over(bundle)
        await self._front.submit(bundle)
        await anyio.sleep(BUS_MS / 2_000)

    async def order(self, order: Order) -> None:
        await self._over(order)
        await self._front.order(order)
        await anyio.sleep(BUS_MS / 2_000)

    async def _over(self, what: Bundle | Order) -> None:
        await anyio.sleep(BUS_MS / 2_000)
        if anyio.current_time() < self._disk.away_until:
            raise BusUnavailable("away")
        if self._owned.dead:
            await anyio.sleep_forever()
        self._sent.append(what)

    def updates(self, session: str) -> AsyncIterator[BusEvent]:
        return self._front.updates(session)


def voice(turn: MicroTurn) -> Sequence[ModelEvent]:
    """Hands every line over; "no ..." corrects the last task, "stop" calls it off."""
    events: list[ModelEvent] = []
    for piece in turn.heard:
        running = [work.delegation for work in turn.work if work.state in ("offered", "queued", "running")]
        if piece.final and piece.text.startswith("no ") and running:
            events.append(ModelAmended(running[-1], piece.text))
        elif piece.final and piece.text == "stop" and running:
            events.append(ModelCancelled(running[-1]))
        elif piece.final and piece.text:
            events += [ModelDelegated(piece.text), ModelSpoke("On it.")]
    return [*events, *plain_voice(turn)]


class Worker:
    """Answers each task three seconds after it began, with all the corrections it was told."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.runs: list[str] = []

    async def run(self, bus: MemoryBus) -> None:
        async with bus.worker() as side, anyio.create_task_group() as tasks:
            while True:
                for claim in await side.claim(room=8):
                    tasks.start_soon(self._work, claim)

    async def _work(self, claim: Claim) -> None:
        self.runs.append(claim.bundle.task)
        told: list[str] = []
        revision = claim.bundle.revision
        with anyio.move_on_after(3):
            async for order in claim.orders():
                self.orders.append(order)
                if isinstance(order, Cancellation):
                    return await claim.confirm_cancelled(order.reason)
                revision = order.revision
                told += [order.text] if order.text else []
        text = f"Answer to {claim.bundle.task}: {', '.join(told) or 'as asked'}."
        stamped = Finding.final(text).stamped(
            delegation=claim.bundle.id, attempt=claim.attempt, seq=1, context_revision=revision
        )
        try:
            await claim.finish(stamped)
        except ClaimLost:
            return


class Screen(ScriptedLink):
    """Shows what is said, after a while; not any more when its process is dead."""

    def __init__(self, events: Sequence[tuple[Instant, UserEvent]], clock: SystemClock, scene: Scene, owned: Owned):
        super().__init__(events, clock)
        self._scene = scene
        self._owned = owned

    async def emit(self, part: Emit) -> None:
        await anyio.sleep(self._scene.slow_ms / 1_000)
        if not self._owned.dead:
            self._scene.shown += part.text


class Scene:
    """Front ends one after the other, over one hand-off and one disk."""

    def __init__(self, events: Sequence[tuple[int, UserEvent]]) -> None:
        self.disk = Disk()
        self.worker = Worker()
        self.sent: list[Bundle | Order] = []
        self.records: list[Record] = []
        self.session: Session = a_session()
        self.killed: list[int] = []
        self.slow_ms = 0
        self.shown = ""
        self._events = events

    async def front_end(self, bus: MemoryBus, *, until_ms: int | None = None, evict_ms: int | None = None) -> None:
        """One process: until it is killed, or to the end of the script."""
        owned = Owned(self.disk)
        origin = START
        if until_ms:
            self.killed.append(until_ms)
        if owned.kept is not None:
            origin = after(START, round(anyio.current_time() * 1_000))
            self.session = Session.restore(owned.kept, timing=default_policy(), now=origin)
        begun = anyio.current_time()
        clock = SystemClock(origin)
        ahead = [(from_ms(at), event) for at, event in self._events if at >= round(begun * 1_000)]
        recorder = Recorder()
        async with bus.front() as front:
            with anyio.move_on_at(until_ms / 1_000 if until_ms else float("inf")) as scope:

                async def play() -> None:
                    await drive(
                        self.session,
                        model=FunctionVoice(voice),
                        opening=Opening("s"),
                        link=Screen(ahead, clock, self, owned),
                        bus=Wire(front, self.disk, owned, self.sent),
                        clock=clock,
                        journal=recorder,
                        owned=owned,
                    )

                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(_at, until_ms, owned)
                    tasks.start_soon(_evict, evict_ms, owned)
                    await play()
                    tasks.cancel_scope.cancel()
        assert scope.cancelled_caught == (until_ms is not None)
        self.records += recorder.records

    @asynccontextmanager
    async def office(self) -> AsyncGenerator[MemoryBus]:
        bus = MemoryBus()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.worker.run, bus)
            yield bus
            tasks.cancel_scope.cancel()


async def _at(until_ms: int | None, owned: Owned) -> None:
    """Killed: from this moment on nothing gets out any more, whatever is done on the way down."""
    if until_ms is not None:
        await anyio.sleep_until((until_ms - 0.5) / 1_000)
        owned.dead = True


async def _evict(evict_ms: int | None, owned: Owned) -> None:
    if evict_ms is not None:
        await anyio.sleep_until(evict_ms / 1_000)
        owned.evicted.set()


SCRIPT: tuple[tuple[int, UserEvent], ...] = (
    (100, UserText("find it", final=True)),
    (1_000, UserText("no not that", final=True)),
    (1_400, UserText("look here", final=True)),
    (1_600, UserText("stop", final=True)),
    (9_000, UserText("thanks and bye", final=True)),
)


BURST: tuple[tuple[int, UserEvent], ...] = (
    (100, UserText("find it", final=True)),
    (1_000, UserText("no not that", final=True)),
    (1_001, UserText("no nor that", final=True)),
    (1_002, UserText("no and not there", final=True)),
    (9_000, UserText("thanks and bye", final=True)),
)


def killed_at(*instants_ms: int, away_ms: int = 500, script: Sequence[tuple[int, UserEvent]] = SCRIPT) -> Scene:
    scene = Scene(script)

    async def main() -> None:
        async with scene.office() as bus:
            for at_ms in instants_ms:
                await scene.front_end(bus, until_ms=at_ms)
                await anyio.sleep(away_ms / 1_000)
            await scene.front_end(bus)

    run_virtual(main)
    return scene


def accounts(scene: Scene, *, typed_before_ms: int) -> None:
    """Nothing lost, nothing done twice, nothing told twice."""
    assert len(set(scene.worker.runs)) == len(scene.worker.runs), "no work is done twice"
    texts = [order.text for order in scene.worker.orders if isinstance(order, Amendment) and order.text]
    assert len(texts) == len(set(texts)), "no correction is told twice"
    decided = [entry for entry in scene.session.entries() if isinstance(entry, Assigned)]
    corrected = [entry.task for entry in decided if entry.action == "amended"]
    assert set(texts) == set(corrected), "what was decided has reached the worker, and nothing else"
    bundles = [each.id for each in scene.sent if isinstance(each, Bundle)]
    known = {entry.delegation for entry in decided}
    assert set(bundles) <= known, "no work is done for nobody"
    called_off = {entry.delegation for entry in decided if entry.action == "cancelled"}
    stopped = {order.delegation for order in scene.sent if isinstance(order, Cancellation)}
    assert stopped >= called_off & set(bundles), "what was called off is stopped"
    for task in {entry.delegation for entry in decided if entry.action == "delegated"} - called_off:
        heard = [
            at
            for at, change in only(LedgerChanged, scene.records)
            if (change.finding, change.state) == (f"{task}.1", "heard")
        ]
        assert heard, f"{task} is heard"
        for at in heard[:-1]:
            # Its record had not arrived: one save may have been on its way, and this is in the next one.
            assert any(at <= killed <= at + 2 * STORE_MS for killed in scene.killed), f"{task} is heard once"
    if typed_before_ms:
        assert decided, "what was typed well before is known"


def test_undisturbed_it_goes_as_ever() -> None:
    scene = killed_at()
    accounts(scene, typed_before_ms=100)
    assert scene.worker.runs == ["find it", "look here", "thanks and bye"]
    assert said(scene.records).count("Answer to find it: no not that.") == 1


@pytest.mark.parametrize("begin_ms", [60, 95, 980, 1_000, 1_380, 1_400, 1_580, 1_600, 3_110, 12_005])
def test_killed_at_any_instant_it_goes_on(begin_ms: int) -> None:
    """Every instant around everything that happens, in steps that are shorter than a save and than a hand-over."""
    for at_ms in range(begin_ms, begin_ms + 40, 1):
        accounts(killed_at(at_ms), typed_before_ms=at_ms > 130)


def test_killed_again_and_again_it_goes_on() -> None:
    for at_ms in range(100, 1_700, 37):
        accounts(killed_at(at_ms, at_ms + 503, at_ms + 1_010, away_ms=40), typed_before_ms=at_ms > 130)


def test_corrections_in_a_burst_are_each_told_once() -> None:
    for at_ms in range(990, 1_150, 2):
        scene = killed_at(at_ms, script=BURST)
        accounts(scene, typed_before_ms=at_ms)
    scene = killed_at(script=BURST)
    assert "Answer to find it: no not that, no nor that, no and not there." in said(scene.records)


@pytest.mark.parametrize("slow_ms", [0, 3, 20])
def test_words_that_are_recorded_as_heard_have_been_shown(slow_ms: int) -> None:
    """A link that takes a while to show them, and a kill in between: shown twice, perhaps, but not never."""
    for at_ms in range(3_120, 3_200, 2):
        scene = Scene(SCRIPT)
        scene.slow_ms = slow_ms

        async def main(scene: Scene = scene, at_ms: int = at_ms) -> None:
            async with scene.office() as bus:
                await scene.front_end(bus, until_ms=at_ms)
                await anyio.sleep(0.5)
                await scene.front_end(bus)

        run_virtual(main)
        assert scene.shown.count("Answer to find it: no not that.") in (1, 2)


def test_a_task_goes_out_only_when_the_session_that_knows_of_it_is_kept() -> None:
    known: list[bool] = []
    scene = Scene(SCRIPT)

    class Looking(list[Bundle | Order]):
        def append(self, item: Bundle | Order, /) -> None:
            kept = scene.disk.kept
            task = item.id if isinstance(item, Bundle) else item.delegation
            known.append(kept is not None and task.encode() in kept.state)
            super().append(item)

    scene.sent = Looking()

    async def main() -> None:
        async with scene.office() as bus:
            await scene.front_end(bus)

    run_virtual(main)
    assert all(known)
    assert len(known) >= 5


def test_a_bundle_says_how_long_its_answer_must_wait() -> None:
    scene = killed_at()
    assert {each.keep_ms for each in scene.sent if isinstance(each, Bundle)} == {86_400_000}


def test_saves_are_few_and_never_wait_for_each_other() -> None:
    """A person who types for ten seconds costs a save now and then; what matters is saved at once."""
    keys: list[tuple[int, UserEvent]] = [(100 + 80 * number, UserText("k")) for number in range(120)]
    scene = Scene(keys)

    async def main() -> None:
        async with scene.office() as bus:
            await scene.front_end(bus, until_ms=9_700)

    run_virtual(main)
    assert 10 < scene.disk.saves < 50


def test_while_the_store_is_away_the_conversation_goes_on_and_is_saved_afterwards() -> None:
    scene = Scene(SCRIPT)
    scene.disk.away_until = 1.2

    async def main() -> None:
        async with scene.office() as bus:
            await scene.front_end(bus, until_ms=3_000)
            await anyio.sleep(1)
            await scene.front_end(bus)

    run_virtual(main)
    spoken = [at for at, part in only(Emit, scene.records) if part.text.startswith("On it.")]
    assert spoken[0] < 1_000, "nobody waited for the store"
    accounts(scene, typed_before_ms=100)


def test_an_owner_that_is_evicted_stops_at_once() -> None:
    story = "word " * 400
    scene = Scene([(100, UserText("story", final=True))])
    stops: list[StopSpeaking] = []

    def storyteller(turn: MicroTurn) -> Sequence[ModelEvent]:
        return [ModelSpoke(story)] if turn.heard else []

    class Link(ScriptedLink):
        async def stop(self, stop: StopSpeaking) -> None:
            stops.append(stop)

    async def main() -> list[int]:
        recorder = Recorder()
        owned = Owned(scene.disk)
        clock = SystemClock()
        async with scene.office() as bus, bus.front() as front, anyio.create_task_group() as tasks:
            tasks.start_soon(_evict, 2_000, owned)
            with pytest.raises(SessionLost):
                await drive(
                    a_session(pace=60),
                    model=FunctionVoice(storyteller),
                    opening=Opening("s"),
                    link=Link([(from_ms(100), UserText("story", final=True)), (from_ms(60_000), UserText("x"))], clock),
                    bus=front,
                    clock=clock,
                    journal=recorder,
                    owned=owned,
                )
            assert anyio.current_time() < 2.1
        return [at for at, _ in only(Emit, recorder.records)]

    assert max(run_virtual(main)) <= 2_000
    assert [stop.reason for stop in stops] == ["the conversation goes on elsewhere"]


def test_what_lives_no_longer_than_the_process_is_saved_once_at_the_end() -> None:
    scene = Scene(SCRIPT)

    class Brief(Owned):
        keep_ms = 0

    owned: OwnedSession

    async def main() -> None:
        nonlocal owned
        owned = Brief(scene.disk)
        clock = SystemClock()
        async with scene.office() as bus, bus.front() as front:
            await drive(
                a_session(),
                model=FunctionVoice(voice),
                opening=Opening("s"),
                link=ScriptedLink([(from_ms(at), event) for at, event in SCRIPT], clock),
                bus=front,
                clock=clock,
                owned=owned,
            )

    run_virtual(main)
    assert scene.disk.saves == 1
    assert scene.disk.kept is not None
