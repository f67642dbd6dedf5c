"""What the person hears of an answer that is told while it is written: everything, and once.

Through the real session, loop, hand-off and worker, in virtual time.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from itertools import pairwise

import anyio
import pytest

from background.models.chat import ChatReasonerSettings
from background.models.chat_sentences import Growth, whole_sentences
from background.models.chat_sources import without_marks
from background.worker import Worker
from interaction.clock import SystemClock
from interaction.links.memory import MemoryLink
from interaction.loop import drive
from interaction.models.reflex import ReflexModel
from interaction.models.scripted import Handover, ScriptedModel, When
from orchestrator.bus.memory import MemoryBus
from orchestrator.clock import START
from orchestrator.completions.asking import FunctionCall
from orchestrator.completions.troubles import ModelTrouble
from orchestrator.config import SessionConfig
from orchestrator.effects import LedgerChanged
from orchestrator.events import UserText
from orchestrator.finding import Finding
from orchestrator.function_tool import tool
from orchestrator.ports import InteractionModel, Opening, Tool
from orchestrator.session import Session
from orchestrator.testing import ScriptedCompletions
from orchestrator.timing import default_policy
from tests.background.models.chat_kit import a_reasoner, call, last_of, virtually

FACTS = [f"Fact {word} is that this river is long and rather cold in its upper part." for word in "ABCDEFGH"]
ANSWER = " ".join(FACTS)


@tool
async def rivers(query: str) -> str:
    """Look rivers up."""
    await anyio.sleep(0.5)
    return "a river"


def a_voice() -> ScriptedModel:
    return ScriptedModel([When("river", "I'm on it.", Handover(task="tell of the river"))])


async def converse(
    model: ScriptedCompletions,
    person: Callable[[MemoryLink], Awaitable[None]],
    *,
    voice: InteractionModel | None = None,
    asks: str = "tell me of the river",
    tools: tuple[Tool, ...] = (),
    settings: ChatReasonerSettings | None = None,
) -> MemoryLink:
    """The person asks for the river, does what they do, and listens to the end."""
    link = MemoryLink()
    voice = voice or a_voice()
    session = Session(SessionConfig(), timing=default_policy(), started_at=START)
    bus = MemoryBus()
    async with bus.front() as front, bus.worker(name="w") as side, anyio.create_task_group() as group:
        group.start_soon(Worker(side, a_reasoner(model, settings), tools).run)

        async def act() -> None:
            await link.type(asks)
            await person(link)
            link.end()

        group.start_soon(act)
        opening = Opening("s", tuple(item.info for item in tools))
        await drive(session, model=voice, opening=opening, link=link, bus=front, clock=SystemClock(), journal=link)
        group.cancel_scope.cancel()
    return link


def told_facts(link: MemoryLink) -> str:
    """The letters of the facts in the order in which they were said to their end."""
    return "".join(re.findall(r"Fact (\w) is that this river is long and rather cold in its upper part\.", link.said))


def states(link: MemoryLink, finding: str) -> list[str]:
    return [item.state for _, _, item in link.records if isinstance(item, LedgerChanged) and item.finding == finding]


def findings(link: MemoryLink, kind: str) -> list[Finding]:
    return [item for _, _, item in link.records if isinstance(item, Finding) and item.kind == kind]


def slowly(seconds: float, facts: list[str] = FACTS) -> list[str | float]:
    steps: list[str | float] = []
    for fact in facts:
        steps += [fact[:20], fact[20:] + " ", seconds]
    return steps


async def listens(link: MemoryLink) -> None:
    """The person only listens."""


@pytest.mark.parametrize("seconds", [0.05, 0.3, 0.7, 1.1, 2.0, 4.0])
def test_each_sentence_is_heard_once_however_fast_it_is_written(seconds: float) -> None:
    @virtually
    async def main() -> None:
        link = await converse(ScriptedCompletions(slowly(seconds)), listens)
        assert told_facts(link) == "ABCDEFGH", link.said
        assert link.said.count("Fact") == 8, link.said
        (final,) = findings(link, "final")
        assert final.text == ANSWER, "the final makes sense alone"
        assert states(link, final.id)[-1] == "heard"
        assert findings(link, "partial"), "a long answer is told while it is written"

    main()


@virtually
async def test_the_voice_begins_before_the_answer_is_whole() -> None:
    began: list[float] = []

    async def person(link: MemoryLink) -> None:
        await link.heard("Fact A", within_s=60)
        began.append(anyio.current_time())

    await converse(ScriptedCompletions(slowly(2.0)), person)
    assert began[0] < 8, "the whole takes sixteen seconds"


@virtually
async def test_a_partial_that_waits_while_the_person_speaks_is_contained_in_the_final() -> None:
    async def person(link: MemoryLink) -> None:
        for letter in "well, I was only thinking that":
            await link.push(UserText(letter))
            await anyio.sleep(0.2)
        await link.push(UserText("", final=True))

    link = await converse(ScriptedCompletions(slowly(0.3)), person)
    assert told_facts(link) == "ABCDEFGH"
    assert link.said.count("Fact") == 8


@virtually
async def test_what_was_heard_of_a_cut_partial_is_not_told_again() -> None:
    async def person(link: MemoryLink) -> None:
        await link.heard("Fact C is that this", within_s=60)
        await link.type("hm, wait a moment")

    link = await converse(ScriptedCompletions(slowly(0.7)), person)
    said = link.said
    assert " --" in said, "it was cut"
    assert [said.count(f"Fact {letter}") for letter in "ABDEFGH"] == [1] * 7, said
    assert said.count("Fact C") <= 2, "only the sentence that was cut is begun again"
    assert "H" in told_facts(link)


@pytest.mark.parametrize("after_s", [0.1, 0.9, 1.7, 2.6, 3.3, 4.1, 5.2, 6.4, 7.7])
@pytest.mark.parametrize("seconds", [0.3, 1.1])
def test_wherever_it_is_interrupted_no_sentence_is_lost_and_none_is_told_twice(seconds: float, after_s: float) -> None:
    @virtually
    async def main() -> None:
        async def person(link: MemoryLink) -> None:
            await link.heard("Fact A", within_s=60)
            await anyio.sleep(after_s)
            await link.type("hm, wait a moment")

        link = await converse(ScriptedCompletions(slowly(seconds)), person)
        assert told_facts(link) == "ABCDEFGH", link.said
        assert link.said.count("Fact") <= 10, link.said

    main()


@virtually
async def test_an_answer_that_breaks_off_and_comes_again_is_told_once() -> None:
    broken: list[str | float | ModelTrouble] = [*slowly(0.7, FACTS[:5]), ModelTrouble("cut off", "It broke off.")]
    model = ScriptedCompletions(broken, slowly(0.3))
    link = await converse(model, listens)
    assert told_facts(link) == "ABCDEFGH", link.said
    assert link.said.count("Fact") == 8
    texts = [part.text for part in findings(link, "partial")]
    assert all(later.startswith(earlier) and later != earlier for earlier, later in pairwise(texts))
    model.assert_complete()


@virtually
async def test_a_second_answer_that_is_another_one_wins() -> None:
    other = "In truth it is short. " * 12
    broken: list[str | float | ModelTrouble] = [*slowly(0.7, FACTS[:5]), ModelTrouble("cut off", "It broke off.")]
    link = await converse(ScriptedCompletions(broken, [other]), listens)
    (final,) = findings(link, "final")
    assert final.text == other.strip()
    assert link.said.count("In truth it is short.") == 12
    assert all("truth" not in part.text for part in findings(link, "partial"))


@virtually
async def test_a_server_that_does_not_come_back_is_told_after_what_was_heard() -> None:
    broken: list[str | float | ModelTrouble] = [*slowly(0.7, FACTS[:5]), ModelTrouble("cut off", "It broke off.")]
    gone = [[ModelTrouble("key", "The key is refused.")]]
    link = await converse(ScriptedCompletions(broken, *gone), listens)
    (final,) = findings(link, "final")
    assert final.text.startswith(FACTS[0])
    assert link.said.count("Fact A") == 1
    assert link.said.rstrip().endswith("The rest is missing: I could not finish that: The key is refused.")


@virtually
async def test_text_before_calls_is_never_told_as_an_answer() -> None:
    preamble = "I will look at the rivers of the country first. Then I will look at the lakes of it. " * 4
    model = ScriptedCompletions([preamble, 1.0, call("rivers", query="x")], ["It is long."])
    link = await converse(model, listens, tools=(rivers,))
    assert not findings(link, "partial")
    assert "lakes" not in link.said
    assert "It is long." in link.said


@virtually
async def test_a_short_answer_has_no_parts() -> None:
    link = await converse(ScriptedCompletions(["It is long. ", 1.0, "It is cold. ", 1.0, "It is blue."]), listens)
    assert not findings(link, "partial")
    assert link.said.count("It is long. It is cold. It is blue.") == 1


@virtually
async def test_parts_can_be_turned_off() -> None:
    settings = ChatReasonerSettings(partials=False)
    link = await converse(ScriptedCompletions(slowly(0.7)), listens, settings=settings)
    assert not findings(link, "partial")
    assert told_facts(link) == "ABCDEFGH"


@virtually
async def test_the_embedded_voice_goes_on_as_a_person_would() -> None:
    facts = FACTS[:5]
    model = ScriptedCompletions([FunctionCall("1", "rivers", {"query": "x"})], slowly(1.2, facts))
    link = await converse(model, listens, voice=ReflexModel(), tools=(rivers,))
    assert told_facts(link) == "ABCDE", link.said
    assert link.said.count("Fact") == 5, link.said
    assert link.said.count("So far:") == 1
    assert "As I was saying" not in link.said


@virtually
async def test_a_correction_by_the_person_is_in_the_next_call_and_only_the_new_answer_is_heard() -> None:
    async def person(link: MemoryLink) -> None:
        await anyio.sleep(2)
        await link.type("actually, make that lakes")

    model = ScriptedCompletions([*slowly(1.5)], ["The lakes are warm."])
    asks = "look rivers up with the query rivers"
    link = await converse(model, person, voice=ReflexModel(), asks=asks, tools=(rivers,))
    assert "lakes" in last_of(model.requests[1], "user")
    assert "The person corrected the request" in last_of(model.requests[1], "user")
    assert model.closed == [0]
    assert "The lakes are warm." in link.said
    assert "H" not in told_facts(link)


@pytest.mark.parametrize(
    ("text", "whole", "count"),
    [
        ("", "", 0),
        ("One. Two", "One.", 1),
        ("One.", "", 0),
        ("At 3.50 it is e.g. nice. So", "At 3.50 it is e.g. nice.", 1),
        ("Really?! Yes. No", "Really?! Yes.", 2),
        ("He said “no.” Then", "He said “no.”", 1),
        ("One\nTwo", "One", 1),
        ("\u4e00\u3002\u4e8c", "\u4e00\u3002", 1),
        ("Mr. Li went. He", "Mr. Li went.", 1),
    ],
)
def test_whole_sentences(text: str, whole: str, count: int) -> None:
    assert whole_sentences(text) == (whole, count)


def test_parts_grow_and_hold_no_marks() -> None:
    growth = Growth(first=30, step=20)
    assert growth.part("A first sentence [1]. A second", calls_may_follow=False) == "", "one sentence is no part"
    first = growth.part("A first sentence [1]. A second one. A", calls_may_follow=False)
    assert first == "A first sentence. A second one."
    assert growth.part("A first sentence [1]. A second one. A third", calls_may_follow=False) == ""
    text = "A first sentence [1]. A second one. A third one, longer [2]. End"
    assert growth.part(text, calls_may_follow=False) == first + " A third one, longer."
    assert without_marks(text).startswith(growth.told)
    growth.forget()
    announcing = "A first sentence. I will look for more. A third"
    assert growth.part(announcing, calls_may_follow=True) == ""
    assert growth.part(announcing, calls_may_follow=False)
    growth.forget()
    assert growth.part('{"calls": "A first sentence. A second one. A third"}', calls_may_follow=False) == ""
