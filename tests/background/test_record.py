"""What must not be done twice: once in effect, whatever becomes of the worker."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

import anyio
import pytest

from background import WorkerSettings, as_reasoner
from background.record import Record
from orchestrator.bundle import Bundle
from orchestrator.bus.memory import MemoryBus
from orchestrator.errors import ClaimLost, ToolFailed, ToolRetry
from orchestrator.finding import Finding
from orchestrator.function_tool import tool
from orchestrator.ports import Desk, Result, Steps, ToolCall, WorkerBus
from tests.background.office import AwayBus, an_office
from tests.background.task_host import Host, one, tools_of

pytestmark = pytest.mark.anyio


class Till:
    """A tool that may not be used twice, and knows how often it was."""

    def __init__(self) -> None:
        self.paid: list[str] = []

        @tool(idempotent=False)
        async def pay(to: str) -> str:
            """Pay somebody."""
            self.paid.append(to)
            if to == "nobody":
                raise ToolRetry("nobody is not a person")
            if to == "the broke":
                raise ToolFailed("their account is closed")
            return f"paid {to}, receipt {len(self.paid)}"

        self.pay = pay


async def test_a_call_that_was_completed_gives_its_outcome_again() -> None:
    till, first = Till(), Host()
    outcome = await one(tools_of(till.pay, host=first), "pay", to="Ada")
    assert (outcome.ok, outcome.text) == (True, "paid Ada, receipt 1")
    second = first.again()
    assert await one(tools_of(till.pay, host=second), "pay", to="Ada") == outcome
    assert await one(tools_of(till.pay, host=second.again()), "pay", to="Ada") == outcome
    assert till.paid == ["Ada"]


async def test_a_call_that_was_broken_off_is_not_made_again() -> None:
    till, host = Till(), Host(attempt=2)
    host.earlier = Steps({Record(Host()).step(ToolCall("pay", {"to": "Ada"})): None})
    result = await one(tools_of(till.pay, host=host), "pay", to="Ada")
    assert (result.ok, till.paid) == (False, [])
    assert "The outcome of pay is unknown" in result.text


async def test_a_tool_that_no_attempt_had_reached_runs() -> None:
    till, host = Till(), Host(attempt=2)
    host.earlier = Steps({Record(Host()).step(ToolCall("write", {"to": "Ada"})): None})
    assert (await one(tools_of(till.pay, host=host), "pay", to="Ada")).ok
    assert till.paid == ["Ada"]


async def test_where_the_record_is_lost_nothing_runs() -> None:
    till, host = Till(), Host(attempt=2)
    host.earlier = Steps(whole=False)
    result = await one(tools_of(till.pay, host=host), "pay", to="Ada")
    assert (result.ok, till.paid) == (False, [])
    assert "unknown" in result.text


async def test_the_second_call_of_the_same_is_a_second_call() -> None:
    till, first = Till(), Host()
    calls = [ToolCall("pay", {"to": "Ada"}), ToolCall("pay", {"to": "Ada"})]
    outcomes = await tools_of(till.pay, host=first).call(*calls)
    assert len({outcome.text for outcome in outcomes}) == 2
    second = tools_of(till.pay, host=first.again())
    assert await second.call(*calls) == outcomes
    assert till.paid == ["Ada", "Ada"]
    third = await one(second, "pay", to="Ada")
    assert (third.text, len(till.paid)) == ("paid Ada, receipt 3", 3)


async def test_other_words_do_not_do_it_a_second_time() -> None:
    """The model of the second attempt may put it otherwise: it hears what was done, and has a way to go on.

    To be told that it may call again with other arguments (`retry`) would say the opposite.
    """
    till, first = Till(), Host()
    await one(tools_of(till.pay, host=first), "pay", to="Ada Lovelace")
    tools = tools_of(till.pay, host=first.again())
    refused = await one(tools, "pay", to="A. Lovelace")
    assert (refused.ok, refused.retry, till.paid) == (False, False, ["Ada Lovelace"])
    assert "already been run with to Ada Lovelace, which came to: paid Ada Lovelace, receipt 1" in refused.text
    assert (await one(tools, "pay", to="Ada Lovelace")).text == "paid Ada Lovelace, receipt 1"
    assert till.paid == ["Ada Lovelace"]
    assert (await one(tools, "pay", to="Grace")).ok, "it knows of the first by now, so this is another"
    assert till.paid == ["Ada Lovelace", "Grace"]


async def test_what_was_broken_off_stands_against_other_words_too() -> None:
    till, host = Till(), Host(attempt=2)
    host.earlier = Steps({Record(Host()).step(ToolCall("pay", {"to": "Ada"})): None})
    refused = await one(tools_of(till.pay, host=host), "pay", to="ada")
    assert (refused.ok, till.paid) == (False, [])
    assert "with to Ada, how that ended is not known" in refused.text


async def test_calls_side_by_side_are_all_asked_for() -> None:
    till, first = Till(), Host()
    await one(tools_of(till.pay, host=first), "pay", to="Ada")
    tools = tools_of(till.pay, host=first.again())
    results = await tools.call(ToolCall("pay", {"to": "Grace"}), ToolCall("pay", {"to": "Ada"}))
    assert [result.text for result in results] == ["paid Grace, receipt 2", "paid Ada, receipt 1"]


async def test_a_call_that_was_sent_back_has_done_nothing() -> None:
    till, first = Till(), Host()
    await one(tools_of(till.pay, host=first), "pay", to="nobody")
    assert (await one(tools_of(till.pay, host=first.again()), "pay", to="Ada")).ok


async def test_a_failure_is_an_outcome_too() -> None:
    till, first = Till(), Host()
    failed = await one(tools_of(till.pay, host=first), "pay", to="the broke")
    assert not failed.ok
    assert await one(tools_of(till.pay, host=first.again()), "pay", to="the broke") == failed
    assert till.paid == ["the broke"]


async def test_what_may_be_done_again_is_not_written_down() -> None:
    @tool
    async def look(at: str) -> str:
        """Look."""
        return at

    host = Host()
    await one(tools_of(look, host=host), "look", at="it")
    assert host.written == {}


async def test_whole_results_come_back_whole() -> None:
    @tool(idempotent=False)
    async def order() -> Result:
        """Order."""
        return Result("done", data={"number": 7, "parts": [1, None]})

    @tool(idempotent=False)
    async def odd() -> Result:
        """Order something that cannot be written down."""
        return Result("done", data=object())

    first = Host()
    outcome = await one(tools_of(order, host=first), "order")
    assert await one(tools_of(order, host=first.again()), "order") == outcome
    first = Host()
    await one(tools_of(odd, host=first), "odd")
    assert await one(tools_of(odd, host=first.again()), "odd") == Result("done")


async def test_an_outcome_that_cannot_be_read_counts_as_unknown() -> None:
    till, host = Till(), Host(attempt=2)
    host.earlier = Steps(
        {Record(Host()).step(ToolCall("pay", {"to": "Ada"})): b"from the future", "no call at all": None}
    )
    result = await one(tools_of(till.pay, host=host), "pay", to="Ada")
    assert (result.ok, till.paid) == (False, [])
    assert "unknown" in result.text


async def test_leave_that_was_given_is_not_asked_for_again() -> None:
    @tool(idempotent=False, needs_approval=True)
    async def order(dish: str) -> str:
        """Order something."""
        return f"ordered {dish}"

    first = Host()
    outcome = await one(tools_of(order, host=first), "order", dish="soup")
    assert first.asked == ["May I run order with dish soup?"]
    second = first.again()
    assert await one(tools_of(order, host=second), "order", dish="soup") == outcome
    assert second.asked == []


async def test_nothing_is_written_down_for_what_was_not_allowed() -> None:
    @tool(idempotent=False, needs_approval=True)
    async def order() -> str:
        """Order."""
        return "ordered"

    host = Host(leave="no")
    assert not (await one(tools_of(order, host=host), "order")).ok
    assert host.written == {}


@pytest.mark.parametrize("count", [1, 3])
async def test_who_has_lost_the_task_does_nothing_any_more(count: int) -> None:
    till, host = Till(), Host()
    host.owned = False
    with pytest.raises(ClaimLost):
        await tools_of(till.pay, host=host).call(*[ToolCall("pay", {"to": str(number)}) for number in range(count)])
    assert till.paid == []


async def test_a_reasoner_hears_nothing_of_a_lost_claim_and_stops() -> None:
    """Another has the task by the time the tool is to run: it does not, and nothing more is told."""
    till, bus = Till(), MemoryBus()
    began: list[int] = []

    async def agent(bundle: Bundle, desk: Desk) -> str:
        began.append(1)
        if len(began) > 1:
            await anyio.sleep_forever()
        # What a sweep of another process does to a worker that stood still for too long.
        for job in list(bus._queue._jobs.values()):  # pyright: ignore[reportPrivateUsage]
            bus._queue.hand_back(job)  # pyright: ignore[reportPrivateUsage]
        (result,) = await desk.call(ToolCall("pay", {"to": "Ada"}))
        return result.text

    async with an_office(as_reasoner(agent), [till.pay], bus=bus) as office:
        await office.ask("pay")
        await office.state("running")
        await office.state("running")
    assert (till.paid, office.findings) == ([], [])


async def test_while_the_bus_is_away_the_tool_waits() -> None:
    till = Till()
    made: list[AwayBus] = []

    def wrap(bus: WorkerBus) -> WorkerBus:
        made.append(AwayBus(bus, away=10**9))
        return made[0]

    async def agent(bundle: Bundle, desk: Desk) -> str:
        (result,) = await desk.call(ToolCall("pay", {"to": "Ada"}))
        return result.text

    settings = WorkerSettings(retry_s=0.001, longest_retry_s=0.001)
    async with an_office(as_reasoner(agent), [till.pay], wrap=wrap, settings=settings) as office:
        await office.ask("pay")
        await made[0].refused.wait()
        for _ in range(20):
            await anyio.lowlevel.checkpoint()
        assert till.paid == [], "it was done without being written down"
        made[0].away = 0
        assert (await office.answer()).text == "paid Ada, receipt 1"


async def test_while_the_bus_is_away_the_tool_waits_no_longer_than_the_deadline() -> None:
    till = Till()
    made: list[AwayBus] = []

    def wrap(bus: WorkerBus) -> WorkerBus:
        made.append(AwayBus(bus, away=10**9))
        return made[0]

    ended = anyio.Event()

    async def agent(bundle: Bundle, desk: Desk) -> str:
        try:
            await desk.call(ToolCall("pay", {"to": "Ada"}))
        finally:
            ended.set()
        return ""

    settings = WorkerSettings(retry_s=0.001, longest_retry_s=0.001)
    async with an_office(as_reasoner(agent), [till.pay], wrap=wrap, settings=settings) as office:
        await office.ask("pay", deadline_ms=50)
        await ended.wait()
        made[0].away = 0
        answer = await office.answer()
    assert (answer.kind, till.paid) == ("error", [])


async def test_a_task_that_is_handed_back_is_once_in_effect() -> None:
    """Through a whole worker: what the first attempt paid, the second knows of, and pays only the rest."""
    till = Till()

    async def agent(bundle: Bundle, desk: Desk) -> AsyncIterator[Finding]:
        (first,) = await desk.call(ToolCall("pay", {"to": "Ada"}))
        yield Finding.partial(first.text)
        if len(till.paid) == 1:
            await anyio.sleep_forever()
        (second,) = await desk.call(ToolCall("pay", {"to": "Grace"}))
        yield Finding.final(f"{first.text}; {second.text}")

    bus = MemoryBus()
    async with an_office(as_reasoner(agent), [till.pay], bus=bus) as office:
        await office.ask("pay both")
        await office.finding("partial")
        till.paid.append("somebody else meanwhile")
    async with an_office(as_reasoner(agent), [till.pay], bus=bus) as office:
        await office.ask("pay both")
        answer = await office.answer()
    assert (answer.attempt, answer.text) == (2, "paid Ada, receipt 1; paid Grace, receipt 3")
    assert till.paid == ["Ada", "somebody else meanwhile", "Grace"]


async def test_a_generator_of_progress_is_written_down_like_any_other() -> None:
    @tool(idempotent=False)
    async def slow() -> AsyncGenerator[str]:
        """Takes its time."""
        yield "at it"
        yield "done"

    first = Host()
    assert (await one(tools_of(slow, host=first), "slow")).text == "done"
    assert [value is not None for value in first.written.values()] == [True]
