"""Tools whose file is edited: the next task has the new ones, and a mistake leaves the old."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TypeVar

import anyio
import pytest

from background.models.scripted import ScriptedReasoner
from interaction.links.tool_lines import tool_lines
from orchestrator.assistant import Assistant
from orchestrator.bundle import Bundle
from orchestrator.effects import Effect
from orchestrator.equipment import Equipment, Pool
from orchestrator.errors import ConfigError
from orchestrator.events import Event, ToolsChanged
from orchestrator.finding import Finding
from orchestrator.function_tool import tool
from orchestrator.guards import GoOn, Guard, guarded
from orchestrator.ports import Desk, Progress, Result, ToolCall, ToolContext
from orchestrator.reloading import LOOK_S, SETTLED_S, Reloading
from orchestrator.tool_port import Reread

T = TypeVar("T")

pytestmark = pytest.mark.anyio

ONE = """
from orchestrator import tool

@tool
def greet(name: str) -> str:
    '''Say hello.'''
    return f"hello {name}"
"""
TWO = ONE.replace("hello {name}", "good day {name}").replace("name: str", "name: str, loud: bool = False")
MORE = f"{ONE}\n\n@tool\ndef leave() -> str:\n    '''Leave.'''\n    return 'bye'\n"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    path, modules = list(sys.path), set(sys.modules)
    file = tmp_path / "greetings_of_ours.py"
    file.write_text(ONE)
    (tmp_path / "not_of_ours.py").write_text("")
    yield file
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


async def until(events: AsyncIterator[Event | Effect], kind: type[T]) -> T:
    """The next of its kind; of findings the next that ends a task."""
    async for event in events:
        if isinstance(event, kind) and (not isinstance(event, Finding) or event.terminal):
            return event
    pytest.fail(f"it ended without a {kind.__name__}")


@pytest.fixture
def source(file: Path) -> Reloading:
    return Reloading(file.name)


def replaced(file: Path, text: str) -> None:
    """As editors save: a new file in the place of the old."""
    beside = file.with_suffix(".new")
    beside.write_text(text)
    beside.replace(file)


async def test_what_is_saved_is_there(file: Path, source: Reloading) -> None:
    with anyio.fail_after(20):
        async with source.open() as open_:
            (before,) = open_.tools
            replaced(file, MORE)
            await open_.changed()
            assert [tool.info.name for tool in open_.tools] == ["greet", "leave"]
            assert open_.tools[0] is not before
            replaced(file, "def oh no")
            await open_.changed()
            assert "greetings_of_ours.py is used as it was: SyntaxError" in open_.problem
            assert isinstance(open_, Reread)
            read = open_.readings
            assert [tool.info.name for tool in open_.tools] == ["greet", "leave"]
            replaced(file, ONE)
            await open_.changed()
            assert open_.problem == ""
            assert [tool.info.name for tool in open_.tools] == ["greet"]
            # What was looked at beside it while it was broken is no reason to read it twice.
            with anyio.move_on_after(3 * LOOK_S + SETTLED_S):
                await open_.changed()
            assert open_.readings == read + 1


async def test_a_neighbour_that_was_never_imported_whole_is_watched_too(
    file: Path, source: Reloading, tmp_path: Path
) -> None:
    neighbour = tmp_path / "words_of_ours.py"
    neighbour.write_text("oh no")
    with anyio.fail_after(20):
        async with source.open() as open_:
            replaced(file, f"import words_of_ours\n{MORE}")
            await open_.changed()
            assert "words_of_ours.py:1" in open_.problem
            replaced(neighbour, "WORD = 1\n")
            await open_.changed()
            assert open_.problem == ""
            assert len(open_.tools) == 2
            replaced(neighbour, "WORD = 2\n")
            await open_.changed()
            assert sys.modules["words_of_ours"].WORD == 2


def test_a_mistake_from_the_start_is_told_before_anything_runs(file: Path) -> None:
    file.write_text("oh no")
    with pytest.raises(ConfigError):
        Assistant(tools=[Reloading("greetings_of_ours.py")])


async def plainly(call: ToolCall, context: ToolContext, go_on: GoOn) -> AsyncIterator[Progress | Result]:
    async for chunk in go_on(call.arguments):
        yield chunk


@pytest.mark.parametrize("by", [(), (plainly,)], ids=["plain", "guarded"])
async def test_an_assistant_takes_them_while_it_talks(file: Path, source: Reloading, by: tuple[Guard, ...]) -> None:
    """The whole way: a task with the old, the file is saved, a task with the new, in one session."""

    async def reasoner(bundle: Bundle, desk: Desk) -> str:
        (result,) = await desk.call(ToolCall("greet", {"name": "you"}))
        return f"{result.text}"

    assistant = Assistant(tools=guarded(source, by=by), background=reasoner)
    with anyio.fail_after(30):
        async with assistant.session() as talk:
            events = talk.events()
            await talk.type("please greet me")
            assert "hello you" in (await until(events, Finding)).text
            replaced(file, MORE.replace("hello", "good day"))
            assert (await until(events, ToolsChanged)).added == ("leave",)
            await talk.type("please greet me once more")
            assert "good day you" in (await until(events, Finding)).text
            replaced(file, MORE.replace("hello", "good day").replace("good day {name}", "good night {name}"))
            again = await until(events, ToolsChanged)
            # What it does is new, and nothing that anybody could see: the person is told that it was read.
            assert (again.added, again.removed, again.changed) == ((), (), ())
            assert tool_lines(again) == ["read again: greetings_of_ours.py"]
            await talk.type("please greet me for the last time")
            assert "good night you" in (await until(events, Finding)).text


async def test_two_of_one_name_are_told_and_the_first_is_used(file: Path, source: Reloading) -> None:
    @tool
    def greet() -> str:
        """Another one."""
        return ""

    pool = Pool((greet,), (source,), ScriptedReasoner())
    with anyio.fail_after(20):
        async with Equipment({"": pool}).opened() as equipment:
            assert equipment.tools == (greet,)
            async for change in equipment.changes():
                assert change.event == ToolsChanged(
                    problem="two tools are called greet: only the first is used, rename the other"
                )
                break
            replaced(file, MORE)
            async for change in equipment.changes():
                if change.event.added:
                    assert change.event.added == ("leave",)
                    break
