"""What a console reads from the journal."""

from __future__ import annotations

import anyio

from interaction.links.attention import Attention
from orchestrator.effects import Delegate, Effect, Emit, LedgerChanged, MicroTurn, StepModel, StopSpeaking
from orchestrator.events import Event, ModelFailed, ModelRested, ModelSpoke, UserText
from orchestrator.testing import run_virtual

STEP = StepModel(MicroTurn(3, 600))


def waited(*items: Event | Effect, longest_s: float = 20.0, expecting: bool = False) -> float:
    """How long `turn_taken` waits after these records (nothing follows them)."""

    async def main() -> float:
        attention = Attention()
        if expecting:
            attention.expect()
        for item in items:
            attention.take(item)
        await attention.turn_taken(longest_s=longest_s)
        return anyio.current_time()

    return round(run_virtual(main), 1)


def test_a_breath_when_nothing_is_the_matter() -> None:
    assert waited() == 0.3
    assert waited(UserText("hi", final=True), STEP, ModelRested(3)) == 0.3


def test_until_the_voice_has_dealt_with_what_was_said_or_as_long_as_one_cares_to_wait() -> None:
    assert waited(UserText("hi", final=True)) == 20
    assert waited(UserText("hi", final=True), STEP) == 20
    assert waited(UserText("hi", final=True), STEP, ModelRested(2)) == 20


def test_until_what_it_says_has_been_said() -> None:
    speaks = (STEP, ModelSpoke("Hello there."), ModelRested(3))
    assert waited(*speaks) == 20
    assert waited(*speaks, Emit(1, "Hello ")) == 20
    assert waited(*speaks, Emit(1, "Hello "), Emit(2, "there.", ends=True)) == 0.3
    assert waited(*speaks, Emit(1, "Hello "), StopSpeaking("the person began")) == 0.3


def test_a_broken_voice_is_not_waited_for() -> None:
    assert waited(STEP, ModelFailed("gone")) == 0.3


def test_what_was_handed_over_a_moment_ago_is_believed_in_for_a_while() -> None:
    assert 5 <= waited(expecting=True) <= 5.6


def test_the_tasks_without_an_answer() -> None:
    attention: list[Attention] = []

    async def main() -> None:
        attention.append(Attention())
        for number in range(1, 5):
            attention[0].take(Delegate(f"s-{number}", f"task {number}", 1))
        for state in ("queued", "running"):
            attention[0].take(LedgerChanged(state, delegation="s-1"))  # pyright: ignore[reportArgumentType]
        attention[0].take(LedgerChanged("done", delegation="s-2"))
        attention[0].take(LedgerChanged("cancelled", delegation="s-3"))
        attention[0].take(LedgerChanged("heard", finding="s-4.1"))

    run_virtual(main)
    assert attention[0].unfinished() == ("task 1", "task 4")
