"""What the tests of turn-taking stand on: decisions as lines of a table, and a voice that only takes turns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from interaction.turntaking import Backchannel, Prepare, Respond, Turn, TurnSettings, Turntaking, Wait, Yield
from orchestrator.config import SessionConfig
from orchestrator.effects import Floor, Heard, MicroTurn
from orchestrator.events import Event, ModelEvent, ModelRested, ModelSpoke, UserText
from orchestrator.session import Session
from orchestrator.testing import play
from orchestrator.timing import WaitForGap

ENTER: Final = Heard(final=True)
SPEAKING: Final = Heard(activity="speaking")
SILENT: Final = Heard(activity="silent")
BREATH: Final = Heard(activity="pause")


def back(text: str) -> Heard:
    return Heard(text, op="delete")


def said(decision: Turn) -> str:
    """A decision as one line of a table."""
    match decision:
        case Wait(keep=keep):
            return "keep" if keep else "wait"
        case Prepare(line=line):
            return f"prepare {line}"
        case Respond(line=line, prepared=prepared, continues=continues, corrects=corrects):
            more = f"{'+' if continues else ''}{'!' if prepared else ''}{f'[{corrects}]' if corrects else ''}"
            return f"respond{more} {line}"
        case Yield():
            return "yield"
        case Backchannel(text=text):
            return f"nod {text}"


Row = tuple[int, str | Heard | tuple[Heard, ...], int, Floor, str]
"""Milliseconds, pieces, quiet, floor, decision."""


def heard(pieces: str | Heard | tuple[Heard, ...]) -> tuple[Heard, ...]:
    if isinstance(pieces, str):
        return (Heard(pieces),) if pieces else ()
    return pieces if isinstance(pieces, tuple) else (pieces,)


def rows(
    table: Iterable[Row],
    taking: Turntaking | None = None,
    *,
    answers: bool = True,
    busy: bool = False,
    expecting: str = "",
) -> None:
    taking = taking or Turntaking()
    for n, (at_ms, pieces, quiet_ms, floor, expected) in enumerate(table):
        micro_turn = MicroTurn(n=n, at_ms=at_ms, heard=heard(pieces), quiet_ms=quiet_ms, floor=floor)
        if expecting:
            micro_turn = MicroTurn(
                n=n, at_ms=at_ms, heard=heard(pieces), quiet_ms=quiet_ms, floor=floor, expecting=expecting
            )
        decision = taking.hear(micro_turn, busy=busy)
        assert said(decision) == expected, f"at {at_ms} ms: {decision}"
        assert getattr(decision, "reason", "-")
        if answers and isinstance(decision, Respond):
            taking.answered()


class Listener:
    """A voice that only takes turns: it answers nothing or one word, and keeps what was decided."""

    def __init__(self, *, say: str = "", settings: TurnSettings | None = None) -> None:
        self.taking: Turntaking = Turntaking(settings)
        self.decided: list[tuple[MicroTurn, Turn]] = []
        self._say = say

    def __call__(self, turn: MicroTurn) -> list[ModelEvent]:
        decision = self.taking.hear(turn)
        self.decided.append((turn, decision))
        if isinstance(decision, Respond):
            self.taking.answered()
            if self._say:
                return [ModelSpoke(self._say), ModelRested(turn.n)]
        return [ModelRested(turn.n)]

    def did(self) -> list[str]:
        """What was decided beside waiting."""
        return [said(decision) for _, decision in self.decided if not isinstance(decision, Wait)]

    def first(self, kind: type[Turn]) -> MicroTurn:
        return next(turn for turn, decision in self.decided if isinstance(decision, kind))


def typed(text: str, *, every_ms: int, start_ms: int = 1_000) -> list[tuple[int, Event]]:
    r"""Keys, one after another; `"\n"` is Enter."""
    return [
        (start_ms + number * every_ms, UserText("", final=True) if key == "\n" else UserText(key))
        for number, key in enumerate(text)
    ]


def listen(events: list[tuple[int, Event]], voice: Listener | None = None) -> Listener:
    voice = voice or Listener()
    session = Session(SessionConfig(), timing=WaitForGap())
    play(session, events, until_ms=events[-1][0] + 6_000, voice=voice)
    return voice
