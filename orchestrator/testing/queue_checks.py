"""What a hand-off must do with tasks and those who give and take them: none lost, none doubled, each to its own."""

from __future__ import annotations

from typing import Final

import anyio
import anyio.lowlevel

from orchestrator.bundle import Amendment, Bundle
from orchestrator.context import Said
from orchestrator.errors import BusBusy
from orchestrator.finding import Finding, Source
from orchestrator.ports import WorkerBus
from orchestrator.testing.bus_stage import (
    PATIENCE_S,
    BusCheck,
    BusHarness,
    Stage,
    claimed,
    expect,
    finish,
    next_of,
    stamped,
    task,
    told,
    until,
)

__all__ = ["QUEUE_CHECKS"]


async def check_a_task_goes_there_and_back(harness: BusHarness) -> None:
    """Submit, claim, publish, finish: the front end hears each of them once, in this order, unchanged."""
    async with Stage(harness.bus()) as stage:
        updates = stage.front.updates("s")
        worker = await stage.worker()
        await stage.front.submit(task())
        claim = await claimed(worker)
        expect(claim.bundle, task(), "the bundle")
        expect(claim.attempt, 1, "the attempt")
        await claim.publish(stamped(claim, 1, Finding.progress("looking")))
        final = stamped(
            claim, 2, Finding.final("9:12", sources=(Source("Timetable", "t.txt:3"),), data={"a": [1, None, 2.5]})
        )
        await claim.finish(final)
        expect(await told(updates, 3, "the way there"), ["queued", "running", "looking"], "the way there")
        expect(await next_of(updates, "the answer"), final, "the answer")


async def check_a_subscription_hears_what_came_before_it_was_read(harness: BusHarness) -> None:
    """Listening begins with the call of `updates`, not with the first read. Who comes later hears from then on."""
    async with Stage(harness.bus()) as stage:
        early = stage.front.updates("s")
        witness = stage.front.updates("s")
        await stage.front.submit(task())
        claim = await claimed(await stage.worker())
        await claim.publish(stamped(claim, 1, Finding.progress("before")))
        await until(witness, "before")
        late = stage.front.updates("s")
        await finish(claim, "after", 2)
        expect(await told(early, 4, "early"), ["queued", "running", "before", "after"], "the early one")
        expect(await told(late, 1, "late"), ["after"], "the late one")


async def check_submitting_twice_makes_one_task(harness: BusHarness) -> None:
    """The second submit only tells again what is known."""
    async with Stage(harness.bus()) as stage:
        updates = stage.front.updates("s")
        worker = await stage.worker()
        await stage.front.submit(task(1))
        await stage.front.submit(task(1))
        await stage.front.submit(task(2))
        first, second = await claimed(worker), await claimed(worker)
        expect([first.bundle.id, second.bundle.id], ["s-1", "s-2"], "the tasks claimed")
        await finish(first, "one")
        await until(updates, "one")
        await stage.front.submit(task(1))
        expect((await until(updates, "one"))[-1], "one", "what is told to a late second submit")
        await finish(second, "two")
        heard = await until(updates, "two")
        expect([text for text in heard if text in ("one", "two")], ["two"], "the answers after that")


async def check_another_front_end_takes_over(harness: BusHarness) -> None:
    """A front end that submits a known task hears what it missed, and from then on what comes."""
    async with Stage(harness.bus()) as stage:
        updates = stage.front.updates("s")
        await stage.front.submit(task())
        claim = await claimed(await stage.worker())
        await claim.publish(stamped(claim, 1, Finding.partial("first half")))
        await until(updates, "first half")
        heir = await stage.another_front()
        inherited = heir.updates("s")
        await heir.submit(task())
        await finish(claim, "second half", 2)
        heard = await until(inherited, "second half")
        expect(heard, ["running", "first half", "second half"], "what the other front end hears")


async def check_workers_share(harness: BusHarness) -> None:
    """Every task goes to one worker, and no worker takes more than it has room for."""
    count = 40
    wanted = [f"s-{number}" for number in range(count)]
    async with Stage(harness.bus()) as stage:
        updates = stage.front.updates("s")
        done: list[str] = []

        async def work(worker: WorkerBus, room: int) -> None:
            while len(done) < count:
                claims = await worker.claim(room=room)
                if len(claims) > room:
                    raise AssertionError(f"{len(claims)} tasks claimed with room for {room}")
                for claim in claims:
                    done.append(claim.bundle.id)
                    await finish(claim, claim.bundle.id)

        one, two = await stage.worker("one"), await stage.worker("two")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(work, one, 1)
            tasks.start_soon(work, two, 3)
            for number in range(count):
                await stage.front.submit(task(number))
            await until(updates, *wanted)
            tasks.cancel_scope.cancel()
        expect(sorted(done), sorted(wanted), "the tasks, each exactly once")


async def check_a_worker_has_its_pools(harness: BusHarness) -> None:
    """It takes from all of its pools and from no other, within its room."""
    async with Stage(harness.bus()) as stage:
        for number, pool in enumerate(("", "maps", "", "maps", "mail")):
            await stage.front.submit(task(number, pool=pool))
        worker = await stage.worker("both", ("", "maps"))
        taken = [(await claimed(worker)).bundle.id for _ in range(4)]
        expect(sorted(taken), ["s-0", "s-1", "s-2", "s-3"], "the tasks of two pools")
        expect((await claimed(await stage.worker("mail", ("mail",)))).bundle.id, "s-4", "the task of the third pool")


async def check_a_full_queue_says_so(harness: BusHarness) -> None:
    """What is not finished counts, also while it runs; a task that is known is not refused."""
    async with Stage(harness.bus(capacity=2)) as stage:
        await stage.front.submit(task(1))
        await stage.front.submit(task(2))
        claim = await claimed(await stage.worker())
        try:
            await stage.front.submit(task(3))
        except BusBusy as busy:
            expect(busy.length, 2, "the length")
            expect(busy.oldest_ms >= 0, True, "the age of the oldest is known")
        else:
            raise AssertionError("a full queue took a task")
        await stage.front.submit(task(2))
        await stage.front.submit(task(3, pool="other"))
        await finish(claim)
        await stage.front.submit(task(3, session="t"))


async def check_sessions_hear_only_their_own(harness: BusHarness) -> None:
    """Nothing of one session reaches another."""
    async with Stage(harness.bus()) as stage:
        ours, theirs = stage.front.updates("s"), stage.front.updates("t")
        worker = await stage.worker()
        await stage.front.submit(task(1))
        await stage.front.submit(task(1, session="t"))
        for _ in range(2):
            claim = await claimed(worker)
            await finish(claim, f"for {claim.bundle.session}")
        expect(await until(ours, "for s"), ["queued", "running", "for s"], "session s")
        expect(await until(theirs, "for t"), ["queued", "running", "for t"], "session t")


async def check_any_text_and_any_size(harness: BusHarness) -> None:
    """A conversation of a megabyte, and every kind of character, come through unchanged."""
    odd = "\x00\x7f\u00e9\u4eac\U0001f600\u202e{}:*\r\n$1 " + "'\"\\"
    context = tuple(Said(at_ms=n, n=n, revision=n, text=f"{n} {odd} " + "x" * 1_000) for n in range(1_000))
    bundle = Bundle(f"{odd}-1", odd, odd, context=context, revision=1_000, traceparent=odd)
    async with Stage(harness.bus()) as stage:
        updates = stage.front.updates(odd)
        await stage.front.submit(bundle)
        claim = await claimed(await stage.worker())
        expect(claim.bundle == bundle, True, "the bundle came through unchanged")
        await stage.front.order(Amendment(bundle.id, context, 1_001, odd))
        order = await next_of(claim.orders(), "the amendment")
        expect(order == Amendment(bundle.id, context, 1_001, odd), True, "the amendment came through unchanged")
        await finish(claim, odd * 1_000)
        expect((await told(updates, 3, "the answer"))[-1] == odd * 1_000, True, "the answer came through unchanged")


async def check_a_cancelled_claim_loses_nothing(harness: BusHarness) -> None:
    """However often a worker gives up waiting, each task is claimed, once."""
    count = 30
    async with Stage(harness.bus()) as stage:
        worker = await stage.worker()
        taken: list[str] = []

        async def feed() -> None:
            for number in range(count):
                await stage.front.submit(task(number))
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
                                await finish(claim)
        expect(sorted(taken), sorted(f"s-{number}" for number in range(count)), "the tasks, each exactly once")


QUEUE_CHECKS: Final[tuple[BusCheck, ...]] = (
    check_a_task_goes_there_and_back,
    check_a_subscription_hears_what_came_before_it_was_read,
    check_submitting_twice_makes_one_task,
    check_another_front_end_takes_over,
    check_workers_share,
    check_a_worker_has_its_pools,
    check_a_full_queue_says_so,
    check_sessions_hear_only_their_own,
    check_any_text_and_any_size,
    check_a_cancelled_claim_loses_nothing,
)
