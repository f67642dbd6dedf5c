"""The chat voice's shell in virtual time: requests are tasks that end when they are closed, and none outlives it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from interaction.models.chat import ChatModel
from interaction.models.chat_actions import Action, Ask, Broke, Came, ClearTimer, Close, Due, Happening, SetTimer, Tell
from interaction.models.chat_stream import ChatStream, chat_stream
from orchestrator.completions.asking import Completion, Done, Piece, Request, Text
from orchestrator.completions.profile import Profile
from orchestrator.completions.troubles import ModelTrouble
from orchestrator.effects import Heard, MicroTurn
from orchestrator.events import ModelRested, ModelSpoke
from orchestrator.ports import Opening
from orchestrator.testing import ScriptedCompletions
from orchestrator.testing.scripted_completions import Step
from orchestrator.testing.virtual import run_virtual

REQUEST = Request("m", ({"role": "user", "content": "Hello."},))
TURN = MicroTurn(1, 200)


class Told:
    """A brain that does what it is told to, at each happening the next, and writes down what happened."""

    def __init__(self, *actions: Sequence[Action]) -> None:
        self._actions = list(actions)
        self.happenings: list[tuple[int, Happening]] = []

    def take(self, happening: Happening, at_ms: int) -> tuple[Action, ...]:
        self.happenings.append((at_ms, happening))
        return tuple(self._actions.pop(0)) if self._actions else ()

    def pieces(self) -> list[tuple[int, Piece]]:
        return [(at, each.piece) for at, each in self.happenings if isinstance(each, Came)]


def run(brain: Told, completions: Any, then: Callable[[ChatStream], Any], *, wait_s: float = 10.0) -> None:
    """Send one turn, wait, do `then`, wait again, and leave."""

    async def main() -> None:
        async with chat_stream(brain, completions) as stream:
            await stream.send(TURN)
            await anyio.sleep(wait_s)
            await then(stream)
            await anyio.sleep(wait_s)

    run_virtual(main)


async def nothing(_: ChatStream) -> None:
    await anyio.lowlevel.checkpoint()


async def next_turn(stream: ChatStream) -> None:
    await stream.send(MicroTurn(2, 400))


def scripted(*steps: Step) -> ScriptedCompletions:
    return ScriptedCompletions(steps)


def test_a_request_is_read_piece_by_piece_as_it_comes() -> None:
    brain = Told([Ask(1, REQUEST)])
    run(brain, scripted("Hi", 0.3, " there."), nothing)
    assert brain.pieces() == [
        (0, Text("Hi")),
        (300, Text(" there.")),
        (300, Done(Completion("Hi there.", finish="stop"))),
    ]


def test_closing_a_request_ends_it_within_the_same_send() -> None:
    model = scripted("Hi", 60.0, " there.")
    brain = Told([Ask(1, REQUEST)], [], [Close(1)])

    async def closes(stream: ChatStream) -> None:
        await next_turn(stream)
        assert model.closed == [0]

    run(brain, model, closes)
    assert [piece for _, piece in brain.pieces()] == [Text("Hi")]


def test_one_that_is_closed_before_it_began_is_never_made() -> None:
    model = scripted("Hi")
    run(Told([Ask(1, REQUEST), Close(1)]), model, nothing)
    assert model.requests == []


def test_leaving_closes_what_is_open() -> None:
    model = scripted("Hi", 600.0)
    run(Told([Ask(1, REQUEST)]), model, nothing)
    assert model.closed == [0]


def test_a_trouble_is_handed_to_the_brain() -> None:
    trouble = ModelTrouble("busy", "loading")
    brain = Told([Ask(1, REQUEST)])
    run(brain, scripted(0.5, trouble), nothing)
    assert brain.happenings[-1] == (500, Broke(1, trouble))


def test_an_answer_without_its_end_is_cut_off() -> None:
    class Endless:
        profile = Profile()

        async def stream(self, request: Request) -> AsyncIterator[Piece]:
            yield Text("Hi")

    brain = Told([Ask(1, REQUEST)])
    run(brain, Endless(), nothing)
    broke = brain.happenings[-1][1]
    assert isinstance(broke, Broke) and broke.trouble.cause == "cut off"


def test_an_answer_that_falls_silent_in_its_middle_has_broken_off_and_is_closed() -> None:
    model = scripted(30.0, "Hi", 600.0)
    brain = Told([Ask(1, REQUEST)])
    run(brain, model, nothing, wait_s=25.0)
    # The first word may take its time.
    at, broke = brain.happenings[-1]
    assert at == 40_000
    assert isinstance(broke, Broke) and broke.trouble.cause == "stalled"
    assert model.closed == [0]


def test_a_mistake_in_the_voice_ends_the_stream_loudly() -> None:
    class Wrong:
        profile = Profile()

        async def stream(self, request: Request) -> AsyncIterator[Piece]:
            raise ZeroDivisionError
            yield Text("")

    with pytest.raises(ExceptionGroup) as caught:
        run(Told([Ask(1, REQUEST)]), Wrong(), nothing)
    assert caught.group_contains(ZeroDivisionError)


def test_timers_run_out_once_are_replaced_and_cleared() -> None:
    brain = Told(
        [SetTimer("retry", 500), SetTimer("slow", 900), SetTimer("patience", 300)],
        [SetTimer("slow", 1_500), ClearTimer("retry")],
    )
    run(brain, ScriptedCompletions(), nothing)
    assert brain.happenings[1:] == [(300, Due("patience")), (1_500, Due("slow"))]


def test_what_is_told_comes_out_in_order_and_ends_with_the_stream() -> None:
    told = [Tell(ModelSpoke("Hi")), Tell(ModelRested(1))]
    came: list[Any] = []

    async def reads(stream: ChatStream) -> None:
        came.extend([event async for event in stream.events()])
        came.append("over")

    async def main() -> None:
        async with anyio.create_task_group() as group, chat_stream(Told(told), ScriptedCompletions()) as stream:
            group.start_soon(reads, stream)
            await stream.send(TURN)
            await anyio.sleep(1)

    run_virtual(main)
    assert came == [ModelSpoke("Hi"), ModelRested(1), "over"]


def test_where_the_session_does_not_keep_up_the_server_waits() -> None:
    pieces = [f"word {number} " for number in range(5_000)]
    model = scripted(*pieces)
    brain = Told([Ask(1, REQUEST)], *([Tell(ModelSpoke("x"))] for _ in pieces))
    taken: list[int] = []

    async def reads(stream: ChatStream) -> None:
        taken.append(len(brain.pieces()))
        left = len(pieces)
        async for _ in stream.events():
            left -= 1
            if not left:
                return

    run(brain, model, reads)
    assert taken == [1_024]
    assert len(brain.pieces()) == len(pieces) + 1


# --- the model round it ----------------------------------------------------------------------------------------------


def test_sessions_of_one_model_have_nonces_of_their_own_and_share_the_server() -> None:
    model = ScriptedCompletions(["Hi."], ["Hello."])
    voice = ChatModel("m", endpoint=model, instructions="Be brief.")

    async def main() -> None:
        hello = MicroTurn(1, 200, heard=(Heard("Hello."), Heard("", final=True)))
        async with voice.open(Opening("a", instructions="You are Ann.")) as one, voice.open(Opening("b")) as two:
            await one.send(hello)
            await two.send(hello)
            await anyio.sleep(1)

    run_virtual(main)
    first, second = (str(request.messages[0]["content"]) for request in model.requests)
    assert first.startswith("Be brief.\n\nYou are Ann.")
    assert first.rpartition("# Frames")[2] != second.rpartition("# Frames")[2]
    model.assert_complete()
