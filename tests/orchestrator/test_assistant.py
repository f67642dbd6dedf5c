"""The Python face: sessions inside a program, workers, pools, resuming."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest

from orchestrator import Assistant, Bundle, Desk, Emit, Finding, Specialist, Talk, ToolCall, tool
from orchestrator.assistant import Assistant as SameAssistant
from orchestrator.bus.memory import MemoryBus
from orchestrator.effects import Close, Delegate, Effect
from orchestrator.errors import ConfigError, SessionLost, UsageError
from orchestrator.events import Event
from orchestrator.resuming import Recap
from orchestrator.testing.virtual import run_virtual


@tool
async def trains(start: str, end: str) -> AsyncIterator[str]:
    """Find the next trains.

    Args:
        start: Station to leave from.
        end: Station to arrive at.
    """
    yield "asking the timetable"
    await anyio.sleep(2)
    yield f"From {start} to {end} at 9:12."


async def hear(talk: Talk) -> tuple[str, list[Event | Effect]]:
    """All that is said and happens until the end."""
    happened = [event async for event in talk.events()]
    return "".join(event.text for event in happened if isinstance(event, Emit)), happened


def test_a_session_inside_a_program() -> None:
    async def main() -> tuple[str, list[Event | Effect]]:
        async with Assistant(tools=[trains]).session() as talk:
            for key in "when is the next train from Paris to Lyon?\n":
                await talk.key(key)
            await talk.finish()
            return await hear(talk)

    words, happened = run_virtual(main)
    assert "From Paris to Lyon at 9:12." in words
    assert [event.text for event in happened if isinstance(event, Finding) and event.kind == "progress"]
    assert isinstance(happened[-1], Close)


def test_leaving_the_context_ends_the_conversation_and_leaves_nothing_running() -> None:
    async def main() -> list[Event | Effect]:
        async with Assistant(tools=[trains]).session(id="mine") as talk:
            assert talk.id == "mine"
            await talk.type("when is the next train from Paris to Lyon?")
        happened = [event async for event in talk.events()]
        await talk.type("is anybody there?")
        return happened

    assert isinstance(run_virtual(main)[-1], Close)


def test_a_known_id_goes_on_where_it_was_left_and_hears_what_it_is_owed() -> None:
    assistant = Assistant(tools=[trains])

    async def main() -> tuple[str, str]:
        async with assistant:
            async with assistant.session(id="mine") as talk:
                await talk.type("when is the next train from Paris to Lyon?")
                await anyio.sleep(1)
            first = "".join([event.text async for event in talk.events() if isinstance(event, Emit)])
            await anyio.sleep(5)
            async with assistant.session(id="mine") as talk:
                await talk.finish()
                return first, (await hear(talk))[0]

    first, second = run_virtual(main)
    assert "9:12" not in first
    assert "From Paris to Lyon at 9:12." in second


def test_an_id_has_one_owner_at_a_time() -> None:
    assistant = Assistant()

    async def main() -> None:
        async with assistant.session(id="mine") as talk:
            await talk.type("hello")
            await anyio.sleep(1)
            with pytest.raises(UsageError, match="open already"):
                async with assistant.session(id="mine"):
                    await anyio.sleep(1)

    run_virtual(main)


def test_many_sessions_share_one_hand_off() -> None:
    assistant = Assistant(tools=[trains])

    async def one(words: dict[int, str], number: int) -> None:
        async with assistant.session() as talk:
            await talk.type(f"when is the next train from Paris to City{number}?")
            await talk.finish()
            words[number] = (await hear(talk))[0]

    async def main() -> dict[int, str]:
        words: dict[int, str] = {}
        async with assistant, anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(one, words, number)
        return words

    words = run_virtual(main)
    assert all(f"to City{number} at 9:12." in said for number, said in words.items())
    assert len(words) == 20


def test_workers_of_their_own_over_a_shared_bus() -> None:
    bus = MemoryBus()
    drain = anyio.Event

    async def main() -> str:
        wanted, words = drain(), ""
        front, back = Assistant(tools=[trains], bus=bus), Assistant(tools=[trains], bus=bus)
        async with anyio.create_task_group() as group:

            async def work() -> None:
                await back.work(drain=wanted)

            group.start_soon(work)
            async with front.session() as talk:
                await talk.type("when is the next train from Paris to Lyon?")
                await talk.finish()
                words, _ = await hear(talk)
            wanted.set()
        return words

    assert "From Paris to Lyon at 9:12." in run_virtual(main)


def test_a_task_goes_to_the_pool_that_has_the_tool() -> None:
    seen: list[str] = []

    async def agent(bundle: Bundle, desk: Desk) -> str:
        seen.append(bundle.pool)
        assert [info.name for info in desk.tools] == ["trains"]
        (result,) = await desk.call(ToolCall("trains", {"start": "A", "end": "B"}))
        return result.text

    assistant = Assistant(background={"talk": "rules", "travel": Specialist(tools=[trains], reasoner=agent)})

    async def main() -> tuple[str, list[Event | Effect]]:
        async with assistant.session() as talk:
            await talk.type("when is the next train from Paris to Lyon?")
            await talk.finish()
            return await hear(talk)

    words, happened = run_virtual(main)
    assert "From A to B at 9:12." in words
    assert seen == ["travel"]
    assert [effect.pool for effect in happened if isinstance(effect, Delegate)] == ["travel"]


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"interaction": "oracle"}, "no voice called 'oracle'"),
        ({"background": "oracle"}, "no reasoner called 'oracle'"),
        ({"background": {}}, "without a background"),
        ({"background": 7}, "cannot reason"),
        ({"bus": "http://example.org"}, "http"),
    ],
)
def test_what_cannot_work_is_said_at_once_with_a_way_out(arguments: dict[str, object], what: str) -> None:
    with pytest.raises(ConfigError, match=what) as caught:
        Assistant(**arguments)  # type: ignore[arg-type]
    assert caught.value.todo


def test_the_public_name_is_the_class() -> None:
    assert Assistant is SameAssistant


def test_what_a_program_raises_comes_out_as_it_is() -> None:
    async def main() -> None:
        async with Assistant().session() as talk:
            await talk.type("hello")
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        run_virtual(main)


def test_the_end_of_one_session_does_not_disturb_another() -> None:
    runs: list[str] = []

    @tool(idempotent=False)
    async def order(dish: str) -> str:
        """Order a dish."""
        runs.append(dish)
        await anyio.sleep(5)
        return f"{dish} is on its way."

    assistant = Assistant(tools=[order])

    async def first() -> None:
        async with assistant.session() as talk:
            await talk.type("hello")
            await anyio.sleep(2)

    async def main() -> str:
        words = ""
        async with anyio.create_task_group() as group:
            group.start_soon(first)
            async with assistant.session() as talk:
                await talk.type("order the dish soup")
                await talk.finish()
                words, _ = await hear(talk)
        return words

    assert "is on its way" in run_virtual(main)
    assert len(runs) == 1


def test_a_known_name_is_gone_on_with_by_another_assistant_on_the_same_bus() -> None:
    bus = MemoryBus()

    @tool
    def trains_to(city: str) -> str:
        """Find trains to a city."""
        return f"To {city} at 9:12."

    async def ask(words: str) -> tuple[Recap | None, str]:
        # A new assistant with the same bus and the same session id: what another process would be.
        async with Assistant(tools=[trains_to], bus=bus).session(id="alice") as talk:
            await talk.type(words)
            await talk.finish()
            return await talk.recap(), (await hear(talk))[0]

    async def main() -> tuple[tuple[Recap | None, str], tuple[Recap | None, str]]:
        said: tuple[tuple[Recap | None, str], tuple[Recap | None, str]] = ((None, ""), (None, ""))
        async with anyio.create_task_group() as group:
            group.start_soon(Assistant(tools=[trains_to], bus=bus).work)
            said = await ask("find trains to Lyon"), await ask("find trains to Nice")
            group.cancel_scope.cancel()
        return said

    (new, first), (old, second) = run_virtual(main)
    assert new is None
    assert "Lyon" in first
    assert old is not None
    assert old.last_said == "find trains to Lyon"
    assert "Nice" in second
    assert "Lyon" not in second


def test_a_session_is_taken_over_and_the_old_owner_is_told() -> None:
    assistant = Assistant()

    async def main() -> str:
        words = ""
        async with assistant, anyio.create_task_group() as group:
            begun = anyio.Event()

            async def first() -> None:
                with pytest.raises(SessionLost, match="goes on elsewhere"):
                    async with assistant.session(id="mine") as talk:
                        await talk.type("hello")
                        await anyio.sleep(1)
                        begun.set()
                        await anyio.sleep(100)

            group.start_soon(first)
            await begun.wait()
            async with assistant.session(id="mine", take_over=True) as talk:
                recap = await talk.recap()
                assert recap is not None
                await talk.type("hello again")
                await talk.finish()
                words, _ = await hear(talk)
        return words

    assert run_virtual(main)


def test_time_goes_on_while_nobody_is_there() -> None:
    assistant = Assistant()

    async def main() -> tuple[str, int]:
        async with assistant:
            async with assistant.session(id="mine") as talk:
                await talk.type("remind me in 60 seconds to stretch")
                await anyio.sleep(2)
            await anyio.sleep(3_600)
            async with assistant.session(id="mine") as talk:
                recap = await talk.recap()
                assert recap is not None
                await talk.finish()
                return (await hear(talk))[0], recap.away_ms

    words, away_ms = run_virtual(main)
    assert "stretch" in words
    assert away_ms == 3_600_000
