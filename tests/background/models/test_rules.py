"""The embedded reasoner at work: over a real worker, a real bus and real tools."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import anyio
import pytest

from background.models.rules import RulesReasoner
from orchestrator.bundle import Amendment, Cancellation
from orchestrator.bus.memory import MemoryBus
from orchestrator.errors import ToolFailed
from orchestrator.finding import Finding
from orchestrator.function_tool import tool
from tests.background.models.kit import ALL, calculate, read_file, search_files, trains
from tests.background.office import a_bundle, an_office

pytestmark = pytest.mark.anyio


class Gate:
    """Holds calls up until it is opened; each value that went in is noted."""

    def __init__(self) -> None:
        self.entered: dict[str, anyio.Event] = {}
        self.open: dict[str, anyio.Event] = {}
        self.cancelled: list[str] = []

    def event(self, of: dict[str, anyio.Event], name: str) -> anyio.Event:
        return of.setdefault(name, anyio.Event())

    async def through(self, name: str) -> None:
        self.event(self.entered, name).set()
        try:
            await self.event(self.open, name).wait()
        except anyio.get_cancelled_exc_class():
            self.cancelled.append(name)
            raise


async def test_a_task_is_done_with_the_tool_that_fits_and_its_source() -> None:
    async with an_office(RulesReasoner(), ALL) as office:
        await office.ask("find where the ledger says superseded in the files")
        answer = await office.answer()
    assert (answer.kind, answer.text) == ("final", "ledger says superseded is in ledger.py.")
    assert answer.sources[0].place == "core/ledger.py:12"
    assert office.told("progress")[0] == "Using search files with query “ledger says superseded”"


async def test_the_progress_of_the_tool_comes_through() -> None:
    @tool
    async def lookup(query: str) -> AsyncGenerator[str]:
        """Look something up."""
        yield "asking the library"
        yield f"{query}: 42"

    async with an_office(RulesReasoner(), [lookup]) as office:
        await office.ask("the answer", tools=("lookup",))
        answer = await office.answer()
    assert answer.text == "answer: 42."
    assert "asking the library" in office.told("progress")


async def test_independent_steps_run_side_by_side_and_the_first_is_told_at_once() -> None:
    gate = Gate()

    @tool
    async def slow_search(query: str) -> str:
        """Search the files."""
        await gate.through(query)
        return f"{query} found"

    async with an_office(RulesReasoner(), [slow_search, calculate]) as office:
        await office.ask("search the files for agenda and calculate 2+2")
        partial = await office.finding("partial")
        gate.event(gate.open, "agenda").set()
        answer = await office.answer()
    assert partial.text == "2+2 is 4."
    assert answer.text == "agenda found. 2+2 is 4."
    assert office.told("partial") == ["2+2 is 4."], "the last part is told with the whole"


async def test_a_step_that_builds_on_another_waits_for_it() -> None:
    async with an_office(RulesReasoner(), [search_files, read_file]) as office:
        await office.ask("find the ledger and read the second one")
        answer = await office.answer()
    assert answer.text == "ledger is in ledger.py. b.md says hello."


async def test_a_correction_stops_the_call_and_the_answer_is_to_the_new_task() -> None:
    gate = Gate()

    @tool
    async def timetable(start: str, end: str) -> str:
        """Find the next trains."""
        await gate.through(end)
        return f"{start} to {end} at 9:12."

    async with an_office(RulesReasoner(), [timetable]) as office:
        await office.ask("find trains from Paris to Nice")
        await gate.event(gate.entered, "Nice").wait()
        await office.correct("no, I meant Lyon", revision=6)
        await gate.event(gate.entered, "Lyon").wait()
        gate.event(gate.open, "Lyon").set()
        answer = await office.answer()
    assert gate.cancelled == ["Nice"]
    assert "Switching to Lyon" in office.told("progress")
    assert (answer.text, answer.context_revision) == ("Paris to Lyon at 9:12.", 6)
    assert [item.kind for item in office.findings if item.terminal] == ["final"]


async def test_what_is_done_already_is_not_done_again_after_a_correction() -> None:
    gate = Gate()
    sums: list[str] = []

    @tool
    async def add_up(expression: str) -> str:
        """Calculate an expression."""
        sums.append(expression)
        return f"{expression} is 4"

    @tool
    async def slow_search(query: str) -> str:
        """Search the files."""
        await gate.through(query)
        return f"{query} found"

    async with an_office(RulesReasoner(), [add_up, slow_search]) as office:
        await office.ask("calculate 2+2 and search the files for agenda")
        await office.finding("partial")
        await office.correct("search for the ledger instead")
        await gate.event(gate.entered, "ledger").wait()
        gate.event(gate.open, "ledger").set()
        answer = await office.answer()
    assert answer.text == "2+2 is 4. ledger found."
    assert sums == ["2+2"]


async def test_a_remark_that_changes_nothing_does_not_stop_the_work() -> None:
    gate = Gate()

    @tool
    async def slow_search(query: str) -> str:
        """Search the files."""
        await gate.through(query)
        return f"{query} found"

    async with an_office(RulesReasoner(), [slow_search]) as office:
        await office.ask("search the files for agenda")
        await gate.event(gate.entered, "agenda").wait()
        await office.correct("hurry up", revision=4)
        await office.until(lambda event: isinstance(event, Finding) and "hurry up" in event.text)
        gate.event(gate.open, "agenda").set()
        answer = await office.answer()
    assert gate.cancelled == []
    assert (answer.text, answer.context_revision) == ("agenda found.", 4)


async def test_what_is_missing_is_asked_for_one_after_another() -> None:
    async with an_office(RulesReasoner(), [trains]) as office:
        await office.ask("find me a train")
        start = await office.finding("question")
        await office.correct("from Paris", answers=start.id, revision=2)
        end = await office.finding("question")
        await office.correct("it's Lyon, please", answers=end.id, revision=3)
        answer = await office.answer()
    assert [start.text, end.text] == ["What is the start?", "What is the end?"]
    assert (answer.text, answer.context_revision) == ("Paris to Lyon at 9:12.", 3)


async def test_an_answer_that_makes_no_sense_is_asked_for_again_then_given_up() -> None:
    @tool
    async def reserve(people: int) -> str:
        """Reserve a table."""
        return f"for {people}"

    async with an_office(RulesReasoner(), [reserve]) as office:
        await office.ask("reserve a table")
        first = await office.finding("question")
        await office.correct("many", answers=first.id, revision=2)
        second = await office.finding("question")
        await office.correct("very many", answers=second.id, revision=3)
        answer = await office.answer()
    assert second.text == "I did not get that. What is the people?"
    assert answer.kind == "error"
    assert "people" in answer.text


async def test_a_correction_while_a_question_is_open_takes_it_back() -> None:
    async with an_office(RulesReasoner(), [trains, calculate]) as office:
        await office.ask("find a train to Lyon")
        await office.finding("question")
        await office.correct("actually, what is 2+2?")
        answer = await office.answer()
    assert answer.text == "2+2 is 4."


async def test_a_failing_tool_is_an_error_in_plain_words(caplog: pytest.LogCaptureFixture) -> None:
    @tool
    async def lookup(query: str) -> str:
        """Look something up."""
        raise ToolFailed("The library is closed", "It is Sunday", "try tomorrow")

    async with an_office(RulesReasoner(), [lookup, calculate]) as office:
        await office.ask("look up the agenda")
        alone = await office.answer()
        await office.ask("look up the agenda and calculate 2+2", number=2)
        together = await office.answer()
    assert alone.kind == "error"
    assert alone.text == "I could not do “look up the agenda”: The library is closed. It is Sunday."
    assert together.kind == "final"
    assert "2+2 is 4." in together.text
    assert "library is closed" in together.text


async def test_without_a_fitting_tool_it_says_so() -> None:
    async with an_office(RulesReasoner(), [calculate]) as office:
        await office.ask("write me a poem")
        answer = await office.answer()
    assert answer.kind == "error"
    assert "calculate an arithmetic expression" in answer.text


async def test_a_later_attempt_follows_what_was_said_to_the_first() -> None:
    """The first worker asked, was answered, was corrected, and died; the second sees all of it from the beginning."""
    bus = MemoryBus()
    async with bus.front() as front, bus.worker() as dying:
        await front.submit(a_bundle("find a train to Nice"))
        (claim,) = await dying.claim(room=1)
        await front.order(Amendment("s-1", revision=2, text="Paris", answers="s-1.1"))
        await front.order(Amendment("s-1", revision=3, text="make that Lyon"))
        await claim.hand_back()
        async with an_office(RulesReasoner(), [trains], bus=bus) as office:
            await office.submit(a_bundle("find a train to Nice"))
            answer = await office.answer()
    assert (answer.text, answer.attempt, answer.context_revision) == ("Paris to Lyon at 9:12.", 2, 3)
    assert office.told("question") == []


async def test_a_call_off_in_the_middle_is_quiet() -> None:
    gate = Gate()

    @tool
    async def slow_search(query: str) -> str:
        """Search the files."""
        await gate.through(query)
        return ""

    async with an_office(RulesReasoner(), [slow_search]) as office:
        await office.ask("search the files for agenda")
        await gate.event(gate.entered, "agenda").wait()
        await office.front.order(Cancellation("s-1", "never mind"))
        await office.state("cancelled")
    assert gate.cancelled == ["agenda"]
    assert [item for item in office.findings if item.terminal] == []
