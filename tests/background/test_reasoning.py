"""Any async callable is a reasoner."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import partial

import anyio
import pytest
from pydantic import BaseModel

from background import as_reasoner
from background.models.scripted import ScriptedReasoner
from orchestrator.bundle import Bundle
from orchestrator.errors import ConfigError
from orchestrator.finding import Finding
from orchestrator.ports import Desk
from tests.background.office import an_office


async def text(bundle: Bundle, desk: Desk) -> str:
    return f"about {bundle.task}"


async def finding(bundle: Bundle, desk: Desk) -> Finding:
    return Finding.error("cannot")


async def silent(bundle: Bundle, desk: Desk) -> None:
    return None


async def texts(bundle: Bundle, desk: Desk) -> AsyncIterator[str]:
    yield "looking"
    yield "the answer"


async def mixed(bundle: Bundle, desk: Desk) -> AsyncIterator[Finding | str]:
    yield "looking"
    yield Finding.partial("half")
    yield Finding.final("whole")


async def nothing_more(bundle: Bundle, desk: Desk) -> AsyncIterator[Finding | str]:
    yield "looking"
    yield Finding.partial("half")


async def handed_over(bundle: Bundle, desk: Desk) -> AsyncIterator[str]:
    return texts(bundle, desk)


class Hotel(BaseModel):
    answer: str
    stars: int


@dataclass
class Stay:
    hotel: Hotel
    nights: int


async def structured(bundle: Bundle, desk: Desk) -> Hotel:
    return Hotel(answer="The Station.", stars=3)


async def structured_in_steps(bundle: Bundle, desk: Desk) -> AsyncIterator[object]:
    yield "looking"
    yield Stay(Hotel(answer="The Station.", stars=3), 2)
    yield "never asked for"


async def untold(bundle: Bundle, desk: Desk) -> object:
    return object()


async def two(bundle: Bundle, desk: Desk, *, extra: str) -> str:
    return f"with {extra}"


class Running:
    async def run(self, bundle: Bundle, desk: Desk) -> str:
        return "it runs"


class Callable:
    async def __call__(self, bundle: Bundle, desk: Desk) -> str:
        return "from an object"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("agent", "kind", "says"),
    [
        (text, "final", "about it"),
        (finding, "error", "cannot"),
        (silent, "error", "I worked on that but came to no answer."),
        (texts, "final", "the answer"),
        (mixed, "final", "whole"),
        (Callable(), "final", "from an object"),
        (partial(two, extra="more"), "final", "with more"),
        (nothing_more, "error", "I worked on that but came to no answer."),
        (handed_over, "final", "the answer"),
        (structured, "final", "The Station."),
        (structured_in_steps, "final", "hotel: The Station., nights: 2"),
        (untold, "error", "I could not finish that: the answer of the agent is a object, which cannot be told"),
        (Running(), "final", "it runs"),
    ],
)
async def test_an_agent_answers(agent: object, kind: str, says: str) -> None:
    async with an_office(as_reasoner(agent)) as office:  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        await office.ask("it")
        answer = await office.answer()
    assert (answer.kind, answer.text) == (kind, says)
    if agent in (texts, mixed):
        assert office.told("progress")[0] == "looking"
    if agent is mixed:
        assert office.told("partial") == ["half"]


def test_a_reasoner_stays_what_it_is() -> None:
    script = ScriptedReasoner()
    assert as_reasoner(script) is script


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("agent", "data"),
    [
        (structured, {"answer": "The Station.", "stars": 3}),
        (structured_in_steps, {"hotel": {"answer": "The Station.", "stars": 3}, "nights": 2}),
    ],
)
async def test_a_structure_goes_along_as_data(agent: object, data: dict[str, object]) -> None:
    async with an_office(as_reasoner(agent)) as office:  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        await office.ask("it")
        assert (await office.answer()).data == data


@pytest.mark.anyio
async def test_a_generator_is_closed_when_its_task_is_called_off() -> None:
    begun, closed = anyio.Event(), anyio.Event()

    async def agent(bundle: Bundle, desk: Desk) -> AsyncIterator[str]:
        try:
            yield "looking"
            begun.set()
            await anyio.sleep_forever()
        finally:
            closed.set()

    async with an_office(as_reasoner(agent)) as office:
        await office.ask("it")
        await begun.wait()
        await office.call_off()
        await office.state("cancelled")
    assert closed.is_set()


def sync(bundle: Bundle, desk: Desk) -> str:
    return "sync"


def sync_generator(bundle: Bundle, desk: Desk) -> Iterator[str]:
    yield "sync"


async def without_a_desk(bundle: Bundle) -> str:
    return ""


class SyncRunning:
    def run(self, bundle: Bundle, desk: Desk) -> Iterator[str]:
        yield "sync"


@pytest.mark.parametrize(
    ("thing", "why"),
    [
        (sync, "not an async one"),
        (sync_generator, "a generator, but not an async one"),
        (SyncRunning(), "a generator, but not an async one"),
        (without_a_desk, "cannot be called with a bundle and a desk: too many positional arguments"),
        (Running, "pass an instance: `Running"),
        ("text", "neither a reasoner nor an async function"),
        (3, "neither a reasoner nor an async function"),
        (type("Agent", (), {"__module__": "pydantic_ai.agent", "run": None}), "pass an instance"),
        (type("AbstractAgent", (), {"__module__": "pydantic_ai.agent"})(), "`PydanticAIReasoner"),
        (type("AgentBase", (), {"__module__": "agents.agent"})(), "`AgentsSDKReasoner"),
        (type("Pregel", (), {"__module__": "langgraph.pregel.main"})(), "`LangGraphReasoner"),
    ],
)
def test_what_cannot_reason_is_refused_at_once(thing: object, why: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(why)):
        as_reasoner(thing)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
