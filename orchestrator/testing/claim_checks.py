"""What a claim must do: hear orders, speak for its task as long as it owns it, and remember what has been done."""

from __future__ import annotations

from typing import Final

import anyio

from orchestrator.bundle import Amendment, Cancellation
from orchestrator.context import Said
from orchestrator.finding import Finding
from orchestrator.ports import Begun, Steps
from orchestrator.testing.bus_stage import (
    BusCheck,
    BusHarness,
    Stage,
    claimed,
    expect,
    finish,
    next_of,
    refused,
    soon,
    stamped,
    task,
    told,
    until,
)

__all__ = ["CLAIM_CHECKS"]


async def check_orders_reach_a_running_task(harness: BusHarness) -> None:
    """Amendments and a cancellation, in order; the worker's confirmation is the end of the task."""
    async with Stage(harness.bus()) as stage:
        updates = stage.front.updates("s")
        await stage.front.submit(task())
        claim = await claimed(await stage.worker())
        amendment = Amendment("s-1", (Said(at_ms=5, n=1, revision=2, text="Lyon"),), 2, "make that Lyon")
        await stage.front.order(amendment)
        orders = claim.orders()
        expect(await next_of(orders, "the amendment"), amendment, "the first order")
        cancellation = Cancellation("s-1", "never mind")
        await stage.front.order(cancellation)
        expect(await next_of(orders, "the cancellation"), cancellation, "the second order")
        again = claim.orders()
        expect([await next_of(again, "again"), await next_of(again, "again")], [amendment, cancellation], "read again")
        await claim.confirm_cancelled("never mind")
        expect([order async for order in orders], [], "orders after the end")
        expect((await until(updates, "cancelled")).count("cancelled"), 1, "times it was said to be cancelled")
        await refused(claim.publish(stamped(claim, 1, Finding.progress("late"))), "publishing after the end")


async def check_orders_before_the_claim_are_seen(harness: BusHarness) -> None:
    """What was said while the task was waiting is there when it starts, once."""
    async with Stage(harness.bus()) as stage:
        await stage.front.submit(task())
        amendments = [Amendment("s-1", (), revision, f"correction {revision}") for revision in (1, 2)]
        for amendment in amendments:
            await stage.front.order(amendment)
        await stage.front.order(amendments[-1])
        claim = await claimed(await stage.worker())
        orders = claim.orders()
        found = [await next_of(orders, "an amendment"), await next_of(orders, "an amendment")]
        expect(found, amendments, "the orders from before")
        await finish(claim)
        expect([order async for order in orders], [], "orders that were repeated")


async def check_a_cancelled_task_is_never_claimed(harness: BusHarness) -> None:
    """Called off while it waits: it ends at once, without any worker."""
    async with Stage(harness.bus()) as stage:
        updates = stage.front.updates("s")
        await stage.front.submit(task(1))
        await stage.front.order(Cancellation("s-1", "never mind"))
        expect(await told(updates, 2, "the end"), ["queued", "cancelled"], "what is told")
        await stage.front.submit(task(2))
        claim = await claimed(await stage.worker())
        expect(claim.bundle.id, "s-2", "the only task there is")
        await finish(claim)
        await stage.front.order(Cancellation("s-2", "too late"))
        await stage.front.order(Cancellation("s-77", "never was"))
        await stage.front.submit(task(3))
        expect(await told(updates, 4, "after"), ["queued", "running", "done", "queued"], "what else is told")


async def check_a_task_that_is_handed_back_goes_on(harness: BusHarness) -> None:
    """The next attempt counts one more, sees the earlier orders, and shuts the earlier attempt out."""
    async with Stage(harness.bus()) as stage:
        updates = stage.front.updates("s")
        await stage.front.submit(task())
        first = await claimed(await stage.worker("one"))
        amendment = Amendment("s-1", (), 1, "make that Lyon")
        await stage.front.order(amendment)
        orders = first.orders()
        expect(await next_of(orders, "the amendment"), amendment, "the order")
        await first.hand_back()
        expect([order async for order in orders], [], "orders after handing back")
        second = await claimed(await stage.worker("two"))
        expect((second.bundle, second.attempt), (task(), 2), "the second attempt")
        expect(await next_of(second.orders(), "the amendment again"), amendment, "the order of the second attempt")
        await refused(first.publish(stamped(first, 1, Finding.progress("stale"))), "the first attempt's publishing")
        await refused(first.finish(stamped(first, 1, Finding.final("stale"))), "the first attempt's finishing")
        await refused(first.hand_back(), "the first attempt's handing back")
        await finish(second)
        heard = await until(updates, "done")
        expect(heard, ["queued", "running", "queued", "running", "done"], "what the front end hears")


async def check_a_worker_that_leaves_hands_back(harness: BusHarness) -> None:
    """What it had claimed and not finished goes to another at once, and what it still says is refused."""
    bus = harness.bus()
    async with Stage(bus) as stage:
        updates = stage.front.updates("s")
        await stage.front.submit(task(1))
        async with bus.worker(name="leaving") as leaving:
            left = await claimed(leaving)
        worker = await stage.worker("staying")
        claim = await claimed(worker)
        expect((claim.bundle.id, claim.attempt), ("s-1", 2), "the task that was left behind")
        await refused(left.finish(stamped(left, 1, Finding.final("stale"))), "finishing after leaving")
        await finish(claim)
        expect((await until(updates, "done")).count("stale"), 0, "findings of the worker that left")


async def check_cancelling_between_two_workers(harness: BusHarness) -> None:
    """A task that was called off is not given to a second worker."""
    async with Stage(harness.bus()) as stage:
        updates = stage.front.updates("s")
        await stage.front.submit(task(1))
        worker = await stage.worker()
        claim = await claimed(worker)
        await stage.front.order(Cancellation("s-1", "never mind"))
        await claim.hand_back()
        await until(updates, "cancelled")
        await stage.front.submit(task(2))
        expect((await claimed(worker)).bundle.id, "s-2", "the only task there is")


async def check_the_deadline_ends_a_task_that_nobody_took(harness: BusHarness) -> None:
    """It is not begun any more, and ends with an error that says so."""
    async with Stage(harness.bus()) as stage:
        updates = stage.front.updates("s")
        await stage.front.submit(task(1, deadline_ms=1))
        # Not to hide a race: the deadline has to pass.
        await anyio.sleep(0.05)
        await stage.front.submit(task(2))
        expect((await claimed(await stage.worker())).bundle.id, "s-2", "the task that is not too late")
        while True:
            event = await next_of(updates, "the error")
            if isinstance(event, Finding):
                expect(
                    (event.delegation, event.kind, event.terminal), ("s-1", "error", True), "the end of the late one"
                )
                return


async def check_findings_that_are_sent_together(harness: BusHarness) -> None:
    """They arrive one by one and in order, for a front end that takes over too; the last may bring what came before."""
    async with Stage(harness.bus()) as stage:
        updates = stage.front.updates("s")
        await stage.front.submit(task())
        claim = await claimed(await stage.worker())
        await claim.publish(*(stamped(claim, number, Finding.partial(f"part {number}")) for number in range(1, 41)))
        await claim.publish()
        rest = (stamped(claim, 41, Finding.partial("part 41")), stamped(claim, 42, Finding.final("all")))
        await claim.finish(*rest)
        parts = [f"part {number}" for number in range(1, 42)]
        expect(await told(updates, 44, "the parts"), ["queued", "running", *parts, "all"], "what is heard")
        heir = await stage.another_front()
        inherited = heir.updates("s")
        await heir.submit(task())
        expect(await told(inherited, 42, "the parts again"), [*parts, "all"], "what the other front end hears")


async def check_the_deadline_counts_from_the_hand_off(harness: BusHarness) -> None:
    """The time that a task has waited is gone, and so is what an earlier attempt has used up."""
    async with Stage(harness.bus()) as stage:
        await stage.front.submit(task(deadline_ms=60_000))
        # Not to hide a race: time has to pass, here and below.
        await anyio.sleep(0.1)
        first = await claimed(await stage.worker())
        left = first.left_ms
        expect(0 < left <= 59_900, True, f"{left} ms are left of 60,000 after 100 or more")
        await anyio.sleep(0.1)
        await first.hand_back()
        second = await claimed(await stage.worker())
        expect(0 < second.left_ms <= left - 100, True, f"{second.left_ms} ms are left of {left} after 100 or more")


async def check_steps_are_remembered(harness: BusHarness) -> None:
    """What an attempt began and completed is there for the next, and for no other task."""
    async with Stage(harness.bus()) as stage:
        await stage.front.submit(task(1))
        first = await claimed(await stage.worker())
        expect(
            await soon(first.steps.begin("pay\n1"), "the record of the steps"),
            Begun("new"),
            "a step that nobody has begun",
        )
        expect(
            await soon(first.steps.begin("pay\n1"), "the record of the steps"),
            Begun("new"),
            "the same asked again, as after a lost reply",
        )
        await soon(first.steps.complete("pay\n1", b"\x00 =?paid"), "the record of the steps")
        expect(await soon(first.steps.begin("write"), "the record of the steps"), Begun("new"), "another step")
        expect(
            await soon(first.steps.earlier(), "the record of the steps"),
            Steps(),
            "the steps of the attempts before the first",
        )
        await first.hand_back()
        second = await claimed(await stage.worker())
        expect(
            await soon(second.steps.begin("pay\n1"), "the record of the steps"),
            Begun("done", b"\x00 =?paid"),
            "the step that was completed",
        )
        expect(
            await soon(second.steps.begin("write"), "the record of the steps"),
            Begun("begun"),
            "the step that was only begun",
        )
        expect(
            await soon(second.steps.begin("call"), "the record of the steps"),
            Begun("new"),
            "a step of the second attempt",
        )
        wanted = Steps({"pay\n1": b"\x00 =?paid", "write": None})
        expect(await soon(second.steps.earlier(), "the record of the steps"), wanted, "the steps of the first attempt")
        await second.hand_back()
        third = await claimed(await stage.worker())
        wanted = Steps({"pay\n1": b"\x00 =?paid", "write": None, "call": None})
        expect(await soon(third.steps.earlier(), "the record of the steps"), wanted, "the steps of two attempts")
        await stage.front.submit(task(2))
        other = await claimed(await stage.worker())
        expect(
            await soon(other.steps.begin("pay\n1"), "the record of the steps"),
            Begun("new"),
            "the same step of another task",
        )


async def check_only_the_owner_writes_steps(harness: BusHarness) -> None:
    """Who has lost the task, or ended it, is refused: what it was about to do must then not be done."""
    async with Stage(harness.bus()) as stage:
        await stage.front.submit(task())
        first = await claimed(await stage.worker())
        await soon(first.steps.begin("pay"), "the record of the steps")
        await first.hand_back()
        await refused(first.steps.begin("write"), "beginning a step of a task that waits")
        second = await claimed(await stage.worker())
        await refused(first.steps.begin("write"), "beginning a step of another's task")
        await refused(first.steps.complete("pay", b"stale"), "completing a step of another's task")
        await refused(first.steps.earlier(), "asking for the steps of another's task")
        expect(
            await soon(second.steps.earlier(), "the record of the steps"),
            Steps({"pay": None}),
            "the steps that were written down",
        )
        await finish(second)
        await refused(second.steps.begin("late"), "beginning a step after the end")


CLAIM_CHECKS: Final[tuple[BusCheck, ...]] = (
    check_orders_reach_a_running_task,
    check_orders_before_the_claim_are_seen,
    check_a_cancelled_task_is_never_claimed,
    check_a_task_that_is_handed_back_goes_on,
    check_a_worker_that_leaves_hands_back,
    check_cancelling_between_two_workers,
    check_the_deadline_ends_a_task_that_nobody_took,
    check_the_deadline_counts_from_the_hand_off,
    check_findings_that_are_sent_together,
    check_steps_are_remembered,
    check_only_the_owner_writes_steps,
)
