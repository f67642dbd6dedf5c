"""Any async callable is a reasoner."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

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


def sync(bundle: Bundle, desk: Desk) -> str:
    return "sync"


@pytest.mark.parametrize("thing", [sync, "text", 3])
def test_what_cannot_reason_is_refused_at_once(thing: object) -> None:
    with pytest.raises(ConfigError):
        as_reasoner(thing)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
