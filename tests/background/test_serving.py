"""One claim: exactly one terminal answer, whatever happens on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import anyio
import pytest

from background import WorkerSettings, as_reasoner
from background.models.scripted import Ask, AwaitCorrection, ScriptedReasoner
from orchestrator.bundle import Bundle
from orchestrator.bus.memory import MemoryBus
from orchestrator.errors import ClaimLost, ModelError
from orchestrator.finding import Finding
from orchestrator.function_tool import tool
from orchestrator.ports import Claim, Desk, ToolCall, WorkerBus
from tests.background.office import AwayBus, AwayClaim, Office, a_bundle, an_office

pytestmark = pytest.mark.anyio


async def test_a_reasoner_that_says_nothing_still_gets_an_answer() -> None:
    async with an_office(ScriptedReasoner([Finding.progress("hm")])) as office:
        await office.ask("think")
        answer = await office.answer()
    assert answer.kind == "error"
    assert "no answer" in answer.text


async def test_a_model_error_is_told_in_its_own_words() -> None:
    async with an_office(ScriptedReasoner([ModelError("the model is overloaded", "HTTP 529", "try later")])) as office:
        await office.ask("think")
        answer = await office.answer()
    assert answer.kind == "error"
    assert "the model is overloaded" in answer.text
    assert "529" not in answer.text


async def test_nothing_follows_the_terminal_finding() -> None:
    script = ScriptedReasoner([Finding.final("one"), Finding.final("two")], [Finding.final("next task")])
    async with an_office(script) as office:
        await office.ask("first")
        await office.answer()
        await office.ask("second", number=2)
        await office.answer()
    assert office.told("final") == ["one", "next task"]


async def test_a_reasoner_that_fails_after_its_answer_changes_nothing() -> None:
    async def agent(bundle: Bundle, desk: Desk) -> AsyncIterator[Finding]:
        try:
            yield Finding.final("said")
        finally:
            raise RuntimeError("in the cleaning up")

    async with an_office(as_reasoner(agent)) as office:
        await office.ask("go")
        await office.answer()
        await office.ask("again", number=2)
        await office.answer()
    assert [(item.delegation, item.text) for item in office.findings] == [("s-1", "said"), ("s-2", "said")]


async def test_past_the_deadline_the_person_hears_so_and_the_tools_are_stopped() -> None:
    stopped = anyio.Event()

    @tool
    async def endless() -> str:
        """Never ends."""
        try:
            await anyio.sleep_forever()
        finally:
            stopped.set()
        return ""

    async with an_office(ScriptedReasoner([ToolCall("endless", {})]), [endless]) as office:
        await office.ask("go", deadline_ms=50)
        answer = await office.answer()
    assert answer.kind == "error"
    assert "0.05 seconds" in answer.text
    assert stopped.is_set()


async def test_an_unanswered_question_is_named_when_time_is_up() -> None:
    async with an_office(ScriptedReasoner([Ask("Which one?")])) as office:
        await office.ask("go", deadline_ms=50)
        answer = await office.answer()
    assert answer.kind == "error"
    assert "Which one?" in answer.text


async def test_a_call_off_stops_reasoner_and_tools_and_is_confirmed() -> None:
    begun, stopped = anyio.Event(), anyio.Event()

    @tool
    async def endless() -> str:
        """Never ends."""
        begun.set()
        try:
            await anyio.sleep_forever()
        finally:
            stopped.set()
        return ""

    async with an_office(ScriptedReasoner([ToolCall("endless", {}), Finding.final("no")]), [endless]) as office:
        await office.ask("go")
        await begun.wait()
        await office.call_off("never mind the search")
        update = await office.state("cancelled")
    assert update.reason == "never mind the search"
    assert stopped.is_set()
    assert office.findings == []


async def test_a_reasoner_that_cancels_itself_is_not_the_end_of_the_task() -> None:
    async def agent(bundle: Bundle, desk: Desk) -> str:
        raise asyncio.CancelledError  # as libraries do that misuse it

    async with an_office(as_reasoner(agent)) as office:
        await office.ask("go")
        answer = await office.answer()
    assert answer.kind == "error"


async def test_a_lost_claim_ends_quietly() -> None:
    """Leaving the bus takes the claims away: no more findings, and the reasoner stops."""
    begun, stopped = anyio.Event(), anyio.Event()

    async def agent(bundle: Bundle, desk: Desk) -> str:
        begun.set()
        try:
            await anyio.sleep_forever()
        finally:
            stopped.set()
        return ""

    bus = MemoryBus()
    async with an_office(as_reasoner(agent), bus=bus) as office:
        await office.ask("go")
        await begun.wait()
        office.worker.drain(grace_s=20)
        # What a sweep of another process does to a worker that stood still for too long.
        for job in list(bus._queue._jobs.values()):  # pyright: ignore[reportPrivateUsage]
            bus._queue.hand_back(job)  # pyright: ignore[reportPrivateUsage]
        await stopped.wait()
        await office.state("queued")
    assert office.findings == []


async def test_findings_count_as_informed_only_of_what_was_read() -> None:
    script = ScriptedReasoner(
        [Finding.partial("old"), AwaitCorrection(), Finding.partial("new"), Finding.final("done")]
    )
    async with an_office(script) as office:
        await office.ask("go")
        await office.finding("partial")
        await office.correct("make that Lyon", revision=7)
        await office.answer()
    assert [(item.text, item.context_revision) for item in office.findings] == [("old", 1), ("new", 7), ("done", 7)]
    assert [item.text for item in script.amendments] == ["make that Lyon"]


async def test_a_question_is_published_and_the_answer_comes_back() -> None:
    script = ScriptedReasoner([Ask("What is the start?"), Finding.final("thanks")])
    async with an_office(script) as office:
        await office.ask("go")
        question = await office.finding("question")
        await office.correct("Paris", answers=question.id, revision=3)
        answer = await office.answer()
    assert (question.text, question.urgency) == ("What is the start?", "high")
    assert script.answers == ["Paris"]
    assert answer.context_revision == 3


def _away(times: int, made: list[AwayBus]) -> Callable[[WorkerBus], WorkerBus]:
    def wrap(bus: WorkerBus) -> WorkerBus:
        made.append(AwayBus(bus, away=times))
        return made[0]

    return wrap


async def test_while_the_bus_is_away_nothing_is_lost_and_the_order_stays() -> None:
    made: list[AwayBus] = []
    script = ScriptedReasoner([Finding.partial("one"), Finding.partial("two"), Finding.final("three")])
    settings = WorkerSettings(retry_s=0.001, longest_retry_s=0.002)
    async with an_office(script, settings=settings, wrap=_away(6, made)) as office:
        await office.ask("go")
        await office.answer()
    assert [(item.seq, item.text) for item in office.findings] == [(1, "one"), (2, "two"), (3, "three")]
    assert made[0].away == 0


async def test_a_full_outbox_holds_the_reasoner_up() -> None:
    made: list[AwayBus] = []
    reached: list[int] = []
    full = anyio.Event()

    async def agent(bundle: Bundle, desk: Desk) -> AsyncIterator[Finding]:
        for number in range(20):
            reached.append(number)
            if number == 4:
                full.set()
            yield Finding.partial(str(number))
        yield Finding.final("end")

    settings = WorkerSettings(outbox=4, retry_s=0.01, longest_retry_s=0.01)
    async with an_office(as_reasoner(agent), settings=settings, wrap=_away(10**9, made)) as office:
        await office.ask("go")
        await full.wait()
        for _ in range(20):
            await anyio.lowlevel.checkpoint()
        assert reached == [0, 1, 2, 3, 4], "it writes on although nothing goes out"
        made[0].away = 0
        await office.answer()
    assert [item.text for item in office.findings] == [*map(str, range(20)), "end"]


async def test_a_call_off_is_confirmed_when_the_bus_is_back() -> None:
    made: list[AwayBus] = []
    begun = anyio.Event()

    async def agent(bundle: Bundle, desk: Desk) -> str:
        begun.set()
        await anyio.sleep_forever()
        return ""

    settings = WorkerSettings(retry_s=0.001, longest_retry_s=0.001)
    async with an_office(as_reasoner(agent), settings=settings, wrap=_away(3, made)) as office:
        await office.ask("go")
        await begun.wait()
        await office.call_off()
        await office.state("cancelled")
    assert made[0].away == 0


class StrictClaim(AwayClaim):
    """Refuses data as a bus between processes does that cannot encode it."""

    async def finish(self, *findings: Finding) -> None:
        if any(finding.data is not None for finding in findings):
            raise TypeError("cannot be encoded")
        await super().finish(*findings)


class StrictBus(AwayBus):
    def __init__(self, bus: WorkerBus) -> None:
        super().__init__(bus, away=0)
        self._strict = bus

    async def claim(self, *, room: int) -> Sequence[Claim]:
        return [StrictClaim(claim, self) for claim in await self._strict.claim(room=room)]


async def test_data_that_cannot_be_sent_is_left_out_and_the_answer_stays() -> None:
    script = ScriptedReasoner([Finding.final("the words", data={"socket": object()})])
    async with an_office(script, wrap=StrictBus) as office:
        await office.submit(a_bundle())
        answer = await office.answer()
    assert (answer.text, answer.data) == ("the words", None)


async def test_progress_that_comes_fast_is_coalesced_to_the_newest() -> None:
    go = anyio.Event()

    async def agent(bundle: Bundle, desk: Desk) -> AsyncIterator[Finding]:
        for number in range(100):
            await desk.progress(f"{number} %")
        yield Finding.partial("halfway")
        await go.wait()
        yield Finding.final("done")

    # The window is longer than the test: only the first, and the newest before what follows it, may go out.
    async with an_office(as_reasoner(agent), settings=WorkerSettings(progress_s=600.0)) as office:
        await office.ask("go")
        await office.finding("partial")
        go.set()
        await office.answer()
    assert [item.text for item in office.findings] == ["0 %", "99 %", "halfway", "done"]
    assert [item.seq for item in office.findings] == [1, 2, 3, 4]


async def test_the_newest_progress_goes_out_by_itself() -> None:
    async def agent(bundle: Bundle, desk: Desk) -> str:
        for number in range(10):
            await desk.progress(f"{number}")
        await anyio.sleep_forever()
        return ""

    async with an_office(as_reasoner(agent), settings=WorkerSettings(progress_s=0.05)) as office:
        await office.ask("go")
        assert (await office.finding("progress")).text == "0"
        assert (await office.finding("progress")).text == "9"


async def _answers(office: Office, count: int) -> list[Finding]:
    return [await office.answer() for _ in range(count)]


async def test_two_tasks_do_not_mix() -> None:
    script = ScriptedReasoner([Ask("who?"), Finding.final("a")], [Ask("where?"), Finding.final("b")])
    async with an_office(script) as office:
        await office.ask("one", number=1)
        first = await office.finding("question")
        await office.ask("two", number=2)
        second = await office.finding("question")
        await office.correct("here", number=2, answers=second.id)
        await office.correct("me", number=1, answers=first.id)
        answers = await _answers(office, 2)
    assert {answer.delegation: answer.text for answer in answers} == {"s-1": "a", "s-2": "b"}
    assert sorted(script.answers) == ["here", "me"]


class NotingClaim(AwayClaim):
    """Notes what is sent together."""

    def __init__(self, claim: Claim, bus: NotingBus) -> None:
        super().__init__(claim, bus)
        self._noting = bus

    async def publish(self, *findings: Finding) -> None:
        self._noting.sent.append([finding.text for finding in findings])
        await super().publish(*findings)

    async def finish(self, *findings: Finding) -> None:
        self._noting.sent.append([finding.text for finding in findings])
        if self._noting.lose:
            raise ClaimLost("another has it")
        if self._noting.hold:
            await anyio.sleep_forever()
        await super().finish(*findings)


class NotingBus(AwayBus):
    def __init__(self, bus: WorkerBus) -> None:
        super().__init__(bus, away=0)
        self._all = bus
        self.sent: list[list[str]] = []
        self.lose = False
        self.hold = False

    async def claim(self, *, room: int) -> Sequence[Claim]:
        return [NotingClaim(claim, self) for claim in await self._all.claim(room=room)]


def _noting(made: list[NotingBus], *, lose: bool = False, hold: bool = False) -> Callable[[WorkerBus], WorkerBus]:
    def wrap(bus: WorkerBus) -> WorkerBus:
        made.append(NotingBus(bus))
        made[0].lose, made[0].hold = lose, hold
        return made[0]

    return wrap


async def test_what_never_waits_goes_out_in_one_step() -> None:
    made: list[NotingBus] = []
    script = ScriptedReasoner([Finding.partial("a"), Finding.partial("b"), Finding.final("c")])
    async with an_office(script, wrap=_noting(made)) as office:
        await office.ask("go")
        await office.answer()
    assert made[0].sent == [["a", "b", "c"]]


async def test_what_waits_is_heard_of_meanwhile() -> None:
    made: list[NotingBus] = []
    go = anyio.Event()

    async def agent(bundle: Bundle, desk: Desk) -> AsyncIterator[Finding]:
        yield Finding.partial("a")
        await go.wait()
        yield Finding.final("b")

    async with an_office(as_reasoner(agent), wrap=_noting(made)) as office:
        await office.ask("go")
        await office.finding("partial")
        go.set()
        await office.answer()
    assert made[0].sent == [["a"], ["b"]]


async def test_a_claim_that_is_lost_at_the_very_end_ends_quietly(caplog: pytest.LogCaptureFixture) -> None:
    made: list[NotingBus] = []
    async with an_office(ScriptedReasoner([Finding.final("a")]), wrap=_noting(made, lose=True)) as office:
        await office.ask("go")
        await office.state("running")
        office.worker.drain()
        while office.worker.busy:
            await anyio.lowlevel.checkpoint()
    assert made[0].sent == [["a"]], "it is not said a second time"
    assert caplog.text == ""


@pytest.mark.parametrize("waits", [False, True])
async def test_the_next_task_is_taken_while_the_answer_is_on_its_way(waits: bool) -> None:
    """A slot is free when its reasoner is done; but no more answers may be on their way than there are slots."""
    made: list[NotingBus] = []
    begun: list[str] = []

    async def agent(bundle: Bundle, desk: Desk) -> str:
        begun.append(bundle.task)
        if waits:
            await anyio.lowlevel.checkpoint()
        return bundle.task

    settings = WorkerSettings(hand_back_s=0.0)
    async with an_office(as_reasoner(agent), slots=2, wrap=_noting(made, hold=True), settings=settings) as office:
        for number in range(1, 8):
            await office.ask(str(number), number=number)
        while len(made[0].sent) < 4:
            await anyio.lowlevel.checkpoint()
        await anyio.wait_all_tasks_blocked()
        assert begun == ["1", "2", "3", "4"]
        assert office.worker.busy == 4


async def test_time_that_the_task_has_waited_is_gone() -> None:
    left: list[float] = []

    async def agent(bundle: Bundle, desk: Desk) -> str:
        left.append(desk.remaining_s)
        return ""

    bus = MemoryBus()
    async with bus.front() as front:
        await front.submit(a_bundle("go", deadline_ms=60_000))
        # Not to hide a race: time has to pass.
        await anyio.sleep(0.1)
        async with an_office(as_reasoner(agent), bus=bus) as office:
            await office.submit(a_bundle("go", deadline_ms=60_000))
            await office.answer()
    assert 0 < left[0] <= 59.9
