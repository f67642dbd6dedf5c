"""What every hand-off must do, as checks that run on any implementation.

```python
@pytest.mark.anyio
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_my_bus(check: BusCheck) -> None:
    await check(MyHarness())
```

or `await check_bus(harness)` for all of them, one after the other. A failed check raises `AssertionError` and names
what was expected. The checks know no server and wait for no clock: they go on as soon as what they await has happened.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Final, Protocol, TypeAlias, TypeVar

import anyio
import anyio.lowlevel

from orchestrator.bundle import Amendment, Bundle, Cancellation
from orchestrator.bus import Bus
from orchestrator.context import Said
from orchestrator.errors import BusBusy, ClaimLost
from orchestrator.events import BusDown, BusEvent, BusUp, DelegationUpdate
from orchestrator.finding import Finding, Source
from orchestrator.ports import Claim, FrontBus, WorkerBus

__all__ = ["CHECKS", "BusCheck", "BusHarness", "check_bus"]

PATIENCE_S: Final = 20.0
"""After this long something awaited counts as missing. Generous: it is only ever spent when a check fails."""

T = TypeVar("T")


class BusHarness(Protocol):
    """How the checks get a hand-off."""

    def bus(self, *, capacity: int = 1_000) -> Bus:
        """A hand-off in which nothing has happened yet; `capacity` is how many unfinished tasks a pool may hold."""
        ...


BusCheck: TypeAlias = Callable[[BusHarness], Awaitable[None]]


class _Stage:
    """What most checks need: a front end, workers, and short words for what they do."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> _Stage:
        self.front = await self.another_front()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def another_front(self) -> FrontBus:
        return await self._stack.enter_async_context(self._bus.front())

    async def worker(self, name: str = "worker", pools: tuple[str, ...] = ("",)) -> WorkerBus:
        return await self._stack.enter_async_context(self._bus.worker(name=name, pools=pools))


def _expect(is_: object, wanted: object, what: str) -> None:
    if is_ != wanted:
        raise AssertionError(f"{what}: expected {wanted!r}, got {is_!r}")


async def _soon(awaitable: Awaitable[T], what: str) -> T:
    with anyio.move_on_after(PATIENCE_S):
        return await awaitable
    raise AssertionError(f"{what}: did not happen within {PATIENCE_S:g} s")


async def _next(items: AsyncIterator[T], what: str) -> T:
    return await _soon(anext(items), what)


async def _events(updates: AsyncIterator[BusEvent], count: int, what: str) -> list[str]:
    """The next `count` events in short: a finding's text, an update's state."""
    found: list[str] = []
    while len(found) < count:
        event = await _next(updates, f"{what}, after {found}")
        match event:
            case Finding():
                found.append(event.text)
            case DelegationUpdate():
                found.append(event.state)
            case BusDown() | BusUp():
                found.append(type(event).__name__)
    return found


async def _until(updates: AsyncIterator[BusEvent], *wanted: str) -> list[str]:
    """All events up to and with the last of `wanted`."""
    found: list[str] = []
    while not set(wanted) <= set(found):
        found += await _events(updates, 1, f"waiting for {wanted}")
    return found


async def _claim(worker: WorkerBus) -> Claim:
    claims = await _soon(worker.claim(room=1), "a claim")
    _expect(len(claims), 1, "tasks claimed with room for one")
    return claims[0]


async def _refused(awaitable: Awaitable[None], what: str) -> None:
    try:
        await _soon(awaitable, what)
    except ClaimLost:
        return
    raise AssertionError(f"{what}: expected ClaimLost")


def _task(number: int = 1, *, session: str = "s", pool: str = "", deadline_ms: int = 120_000) -> Bundle:
    return Bundle(f"{session}-{number}", session, f"task {number}", pool=pool, deadline_ms=deadline_ms)


def _stamped(claim: Claim, seq: int, finding: Finding) -> Finding:
    return finding.stamped(delegation=claim.bundle.id, attempt=claim.attempt, seq=seq, context_revision=0)


async def _finish(claim: Claim, text: str = "done", seq: int = 1) -> None:
    await _soon(claim.finish(_stamped(claim, seq, Finding.final(text))), "finishing a task")


async def check_a_task_goes_there_and_back(harness: BusHarness) -> None:
    """Submit, claim, publish, finish: the front end hears each of them once, in this order, unchanged."""
    async with _Stage(harness.bus()) as stage:
        updates = stage.front.updates("s")
        worker = await stage.worker()
        await stage.front.submit(_task())
        claim = await _claim(worker)
        _expect(claim.bundle, _task(), "the bundle")
        _expect(claim.attempt, 1, "the attempt")
        await claim.publish(_stamped(claim, 1, Finding.progress("looking")))
        final = _stamped(
            claim, 2, Finding.final("9:12", sources=(Source("Timetable", "t.txt:3"),), data={"a": [1, None, 2.5]})
        )
        await claim.finish(final)
        _expect(await _events(updates, 3, "the way there"), ["queued", "running", "looking"], "the way there")
        _expect(await _next(updates, "the answer"), final, "the answer")


async def check_a_subscription_hears_what_came_before_it_was_read(harness: BusHarness) -> None:
    """Listening begins with the call of `updates`, not with the first read. Who comes later hears from then on."""
    async with _Stage(harness.bus()) as stage:
        early = stage.front.updates("s")
        witness = stage.front.updates("s")
        await stage.front.submit(_task())
        claim = await _claim(await stage.worker())
        await claim.publish(_stamped(claim, 1, Finding.progress("before")))
        await _until(witness, "before")
        late = stage.front.updates("s")
        await _finish(claim, "after", 2)
        _expect(await _events(early, 4, "early"), ["queued", "running", "before", "after"], "the early one")
        _expect(await _events(late, 1, "late"), ["after"], "the late one")


async def check_submitting_twice_makes_one_task(harness: BusHarness) -> None:
    """The second submit only tells again what is known."""
    async with _Stage(harness.bus()) as stage:
        updates = stage.front.updates("s")
        worker = await stage.worker()
        await stage.front.submit(_task(1))
        await stage.front.submit(_task(1))
        await stage.front.submit(_task(2))
        first, second = await _claim(worker), await _claim(worker)
        _expect([first.bundle.id, second.bundle.id], ["s-1", "s-2"], "the tasks claimed")
        await _finish(first, "one")
        await _until(updates, "one")
        await stage.front.submit(_task(1))
        _expect((await _until(updates, "one"))[-1], "one", "what is told to a late second submit")
        await _finish(second, "two")
        heard = await _until(updates, "two")
        _expect([text for text in heard if text in ("one", "two")], ["two"], "the answers after that")


async def check_another_front_end_takes_over(harness: BusHarness) -> None:
    """A front end that submits a known task hears what it missed, and from then on what comes."""
    async with _Stage(harness.bus()) as stage:
        updates = stage.front.updates("s")
        await stage.front.submit(_task())
        claim = await _claim(await stage.worker())
        await claim.publish(_stamped(claim, 1, Finding.partial("first half")))
        await _until(updates, "first half")
        heir = await stage.another_front()
        inherited = heir.updates("s")
        await heir.submit(_task())
        await _finish(claim, "second half", 2)
        heard = await _until(inherited, "second half")
        _expect(heard, ["running", "first half", "second half"], "what the other front end hears")


async def check_orders_reach_a_running_task(harness: BusHarness) -> None:
    """Amendments and a cancellation, in order; the worker's confirmation is the end of the task."""
    async with _Stage(harness.bus()) as stage:
        updates = stage.front.updates("s")
        await stage.front.submit(_task())
        claim = await _claim(await stage.worker())
        amendment = Amendment("s-1", (Said(at_ms=5, n=1, revision=2, text="Lyon"),), 2, "make that Lyon")
        await stage.front.order(amendment)
        orders = claim.orders()
        _expect(await _next(orders, "the amendment"), amendment, "the first order")
        cancellation = Cancellation("s-1", "never mind")
        await stage.front.order(cancellation)
        _expect(await _next(orders, "the cancellation"), cancellation, "the second order")
        again = claim.orders()
        _expect([await _next(again, "again"), await _next(again, "again")], [amendment, cancellation], "read again")
        await claim.confirm_cancelled("never mind")
        _expect([order async for order in orders], [], "orders after the end")
        _expect((await _until(updates, "cancelled")).count("cancelled"), 1, "times it was said to be cancelled")
        await _refused(claim.publish(_stamped(claim, 1, Finding.progress("late"))), "publishing after the end")


async def check_orders_before_the_claim_are_seen(harness: BusHarness) -> None:
    """What was said while the task was waiting is there when it starts, once."""
    async with _Stage(harness.bus()) as stage:
        await stage.front.submit(_task())
        amendments = [Amendment("s-1", (), revision, f"correction {revision}") for revision in (1, 2)]
        for amendment in amendments:
            await stage.front.order(amendment)
        await stage.front.order(amendments[-1])
        claim = await _claim(await stage.worker())
        orders = claim.orders()
        found = [await _next(orders, "an amendment"), await _next(orders, "an amendment")]
        _expect(found, amendments, "the orders from before")
        await _finish(claim)
        _expect([order async for order in orders], [], "orders that were repeated")


async def check_a_cancelled_task_is_never_claimed(harness: BusHarness) -> None:
    """Called off while it waits: it ends at once, without any worker."""
    async with _Stage(harness.bus()) as stage:
        updates = stage.front.updates("s")
        await stage.front.submit(_task(1))
        await stage.front.order(Cancellation("s-1", "never mind"))
        _expect(await _events(updates, 2, "the end"), ["queued", "cancelled"], "what is told")
        await stage.front.submit(_task(2))
        claim = await _claim(await stage.worker())
        _expect(claim.bundle.id, "s-2", "the only task there is")
        await _finish(claim)
        await stage.front.order(Cancellation("s-2", "too late"))
        await stage.front.order(Cancellation("s-77", "never was"))
        await stage.front.submit(_task(3))
        _expect(await _events(updates, 4, "after"), ["queued", "running", "done", "queued"], "what else is told")


async def check_a_task_that_is_handed_back_goes_on(harness: BusHarness) -> None:
    """The next attempt counts one more, sees the earlier orders, and shuts the earlier attempt out."""
    async with _Stage(harness.bus()) as stage:
        updates = stage.front.updates("s")
        await stage.front.submit(_task())
        first = await _claim(await stage.worker("one"))
        amendment = Amendment("s-1", (), 1, "make that Lyon")
        await stage.front.order(amendment)
        orders = first.orders()
        _expect(await _next(orders, "the amendment"), amendment, "the order")
        await first.hand_back()
        _expect([order async for order in orders], [], "orders after handing back")
        second = await _claim(await stage.worker("two"))
        _expect((second.bundle, second.attempt), (_task(), 2), "the second attempt")
        _expect(await _next(second.orders(), "the amendment again"), amendment, "the order of the second attempt")
        await _refused(first.publish(_stamped(first, 1, Finding.progress("stale"))), "the first attempt's publishing")
        await _refused(first.finish(_stamped(first, 1, Finding.final("stale"))), "the first attempt's finishing")
        await _refused(first.hand_back(), "the first attempt's handing back")
        await _finish(second)
        heard = await _until(updates, "done")
        _expect(heard, ["queued", "running", "queued", "running", "done"], "what the front end hears")


async def check_a_worker_that_leaves_hands_back(harness: BusHarness) -> None:
    """What it had claimed and not finished goes to another at once, and what it still says is refused."""
    bus = harness.bus()
    async with _Stage(bus) as stage:
        updates = stage.front.updates("s")
        await stage.front.submit(_task(1))
        async with bus.worker(name="leaving") as leaving:
            left = await _claim(leaving)
        worker = await stage.worker("staying")
        claim = await _claim(worker)
        _expect((claim.bundle.id, claim.attempt), ("s-1", 2), "the task that was left behind")
        await _refused(left.finish(_stamped(left, 1, Finding.final("stale"))), "finishing after leaving")
        await _finish(claim)
        _expect((await _until(updates, "done")).count("stale"), 0, "findings of the worker that left")


async def check_cancelling_between_two_workers(harness: BusHarness) -> None:
    """A task that was called off is not given to a second worker."""
    async with _Stage(harness.bus()) as stage:
        updates = stage.front.updates("s")
        await stage.front.submit(_task(1))
        worker = await stage.worker()
        claim = await _claim(worker)
        await stage.front.order(Cancellation("s-1", "never mind"))
        await claim.hand_back()
        await _until(updates, "cancelled")
        await stage.front.submit(_task(2))
        _expect((await _claim(worker)).bundle.id, "s-2", "the only task there is")


async def check_the_deadline_ends_a_task_that_nobody_took(harness: BusHarness) -> None:
    """It is not begun any more, and ends with an error that says so."""
    async with _Stage(harness.bus()) as stage:
        updates = stage.front.updates("s")
        await stage.front.submit(_task(1, deadline_ms=1))
        # Not to hide a race: the deadline has to pass.
        await anyio.sleep(0.05)
        await stage.front.submit(_task(2))
        _expect((await _claim(await stage.worker())).bundle.id, "s-2", "the task that is not too late")
        while True:
            event = await _next(updates, "the error")
            if isinstance(event, Finding):
                _expect(
                    (event.delegation, event.kind, event.terminal), ("s-1", "error", True), "the end of the late one"
                )
                return


async def check_workers_share(harness: BusHarness) -> None:
    """Every task goes to one worker, and no worker takes more than it has room for."""
    count = 40
    wanted = [f"s-{number}" for number in range(count)]
    async with _Stage(harness.bus()) as stage:
        updates = stage.front.updates("s")
        done: list[str] = []

        async def work(worker: WorkerBus, room: int) -> None:
            while len(done) < count:
                claims = await worker.claim(room=room)
                if len(claims) > room:
                    raise AssertionError(f"{len(claims)} tasks claimed with room for {room}")
                for claim in claims:
                    done.append(claim.bundle.id)
                    await _finish(claim, claim.bundle.id)

        one, two = await stage.worker("one"), await stage.worker("two")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(work, one, 1)
            tasks.start_soon(work, two, 3)
            for number in range(count):
                await stage.front.submit(_task(number))
            await _until(updates, *wanted)
            tasks.cancel_scope.cancel()
        _expect(sorted(done), sorted(wanted), "the tasks, each exactly once")


async def check_a_worker_has_its_pools(harness: BusHarness) -> None:
    """It takes from all of its pools and from no other, within its room."""
    async with _Stage(harness.bus()) as stage:
        for number, pool in enumerate(("", "maps", "", "maps", "mail")):
            await stage.front.submit(_task(number, pool=pool))
        worker = await stage.worker("both", ("", "maps"))
        taken = [(await _claim(worker)).bundle.id for _ in range(4)]
        _expect(sorted(taken), ["s-0", "s-1", "s-2", "s-3"], "the tasks of two pools")
        _expect((await _claim(await stage.worker("mail", ("mail",)))).bundle.id, "s-4", "the task of the third pool")


async def check_a_full_queue_says_so(harness: BusHarness) -> None:
    """What is not finished counts, also while it runs; a task that is known is not refused."""
    async with _Stage(harness.bus(capacity=2)) as stage:
        await stage.front.submit(_task(1))
        await stage.front.submit(_task(2))
        claim = await _claim(await stage.worker())
        try:
            await stage.front.submit(_task(3))
        except BusBusy as busy:
            _expect(busy.length, 2, "the length")
            _expect(busy.oldest_ms >= 0, True, "the age of the oldest is known")
        else:
            raise AssertionError("a full queue took a task")
        await stage.front.submit(_task(2))
        await stage.front.submit(_task(3, pool="other"))
        await _finish(claim)
        await stage.front.submit(_task(3, session="t"))


async def check_sessions_hear_only_their_own(harness: BusHarness) -> None:
    """Nothing of one session reaches another."""
    async with _Stage(harness.bus()) as stage:
        ours, theirs = stage.front.updates("s"), stage.front.updates("t")
        worker = await stage.worker()
        await stage.front.submit(_task(1))
        await stage.front.submit(_task(1, session="t"))
        for _ in range(2):
            claim = await _claim(worker)
            await _finish(claim, f"for {claim.bundle.session}")
        _expect(await _until(ours, "for s"), ["queued", "running", "for s"], "session s")
        _expect(await _until(theirs, "for t"), ["queued", "running", "for t"], "session t")


async def check_any_text_and_any_size(harness: BusHarness) -> None:
    """A conversation of a megabyte, and every kind of character, come through unchanged."""
    odd = "\x00\x7f\u00e9\u4eac\U0001f600\u202e{}:*\r\n$1 " + "'\"\\"
    context = tuple(Said(at_ms=n, n=n, revision=n, text=f"{n} {odd} " + "x" * 1_000) for n in range(1_000))
    bundle = Bundle(f"{odd}-1", odd, odd, context=context, revision=1_000, traceparent=odd)
    async with _Stage(harness.bus()) as stage:
        updates = stage.front.updates(odd)
        await stage.front.submit(bundle)
        claim = await _claim(await stage.worker())
        _expect(claim.bundle == bundle, True, "the bundle came through unchanged")
        await stage.front.order(Amendment(bundle.id, context, 1_001, odd))
        order = await _next(claim.orders(), "the amendment")
        _expect(order == Amendment(bundle.id, context, 1_001, odd), True, "the amendment came through unchanged")
        await _finish(claim, odd * 1_000)
        _expect((await _events(updates, 3, "the answer"))[-1] == odd * 1_000, True, "the answer came through unchanged")


async def check_a_cancelled_claim_loses_nothing(harness: BusHarness) -> None:
    """However often a worker gives up waiting, each task is claimed, once."""
    count = 30
    async with _Stage(harness.bus()) as stage:
        worker = await stage.worker()
        taken: list[str] = []

        async def feed() -> None:
            for number in range(count):
                await stage.front.submit(_task(number))
                await anyio.lowlevel.checkpoint()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(feed)
            with anyio.fail_after(PATIENCE_S):
                patience = 0.0
                while len(taken) < count:
                    # From hopeless to long enough and round again, so that it is cut off at every possible point.
                    patience = patience + 0.0007 if patience < 0.02 else 0.0
                    with anyio.move_on_after(patience):
                        for claim in await worker.claim(room=3):
                            taken.append(claim.bundle.id)
                            with anyio.CancelScope(shield=True):
                                await _finish(claim)
        _expect(sorted(taken), sorted(f"s-{number}" for number in range(count)), "the tasks, each exactly once")


CHECKS: Final[tuple[BusCheck, ...]] = (
    check_a_task_goes_there_and_back,
    check_a_subscription_hears_what_came_before_it_was_read,
    check_submitting_twice_makes_one_task,
    check_another_front_end_takes_over,
    check_orders_reach_a_running_task,
    check_orders_before_the_claim_are_seen,
    check_a_cancelled_task_is_never_claimed,
    check_a_task_that_is_handed_back_goes_on,
    check_a_worker_that_leaves_hands_back,
    check_cancelling_between_two_workers,
    check_the_deadline_ends_a_task_that_nobody_took,
    check_workers_share,
    check_a_worker_has_its_pools,
    check_a_full_queue_says_so,
    check_sessions_hear_only_their_own,
    check_any_text_and_any_size,
    check_a_cancelled_claim_loses_nothing,
)


async def check_bus(harness: BusHarness) -> None:
    """Run every check. Raises `AssertionError` for the first thing that a hand-off must do and this one does not."""
    for check in CHECKS:
        await check(harness)
