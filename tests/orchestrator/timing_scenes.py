"""The lane pictures of docs/timing.md, each drawn from a session that is really played."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from orchestrator.clock import to_ms
from orchestrator.decisions import Drop, Hold, Splice
from orchestrator.effects import Emit, LedgerChanged, MicroTurn
from orchestrator.events import (
    DelegationUpdate,
    Event,
    ModelDelegated,
    ModelEvent,
    ModelRested,
    ModelSpoke,
    UserText,
)
from orchestrator.journal import Record
from orchestrator.testing import plain_voice, play
from orchestrator.timing import (
    Ahead,
    Announce,
    AnswerFirst,
    AtBoundary,
    Budget,
    Expire,
    FirstOf,
    InOrder,
    MovedOn,
    Patience,
    Settle,
    Shorten,
    ShowToTyping,
    SilentProgress,
    Speak,
    Supersede,
    TimingPolicy,
    Urgent,
    WaitForGap,
)
from tests.orchestrator.driving import a_session, found, types

__all__ = ["SCENES", "lanes"]

CELL: Final = 200
_STATES: Final = {"owed": "w", "offered": "p", "speaking": "T", "heard": " ", "superseded": "x", "expired": "x"}
Events = Sequence[tuple[int, Event]]


def lanes(records: Sequence[Record], first_ms: int, last_ms: int) -> str:
    """What happened from `first_ms` to `last_ms`, a character for 200 ms, and the decisions below it."""
    cells = range(first_ms // CELL, last_ms // CELL)
    person, assistant = dict.fromkeys(cells, "."), dict.fromkeys(cells, ".")
    findings: dict[str, dict[int, str]] = {}
    why: list[str] = []
    for record in records:
        at, cell, item = to_ms(record.at), to_ms(record.at) // CELL, record.item
        match item:
            case UserText():
                person[cell] = "<" if item.final else "#"
            case Emit(style="card"):
                assistant[cell] = "C"
            case Emit():
                assistant[cell] = item.about[0][2] if item.about else "="
            case LedgerChanged() if item.finding:
                row = findings.setdefault(item.finding, {})
                row[cell] = "C" if item.state == "acknowledged" else _STATES.get(item.state, "x")
            case Hold() | Splice() | Drop():
                name = {Hold: "hold", Splice: "splice", Drop: "drop"}[type(item)]
                why.append(f"{at / 1000:6.2f} s  {name:<7}{' '.join(item.findings)}: {item.reason}")
            case _:
                pass
    ruler = "".join(f"{cell * CELL // 1000}" if cell % 5 == 0 else " " for cell in cells)
    rows = [("seconds", ruler), ("person", "".join(person[c] for c in cells))]
    rows.append(("assistant", "".join(assistant[c] for c in cells)))
    rows += [(name, _row(states, cells)) for name, states in sorted(findings.items())]
    drawn = [f"{name:<10}{row}".rstrip() for name, row in rows]
    return "\n".join([*drawn, *(line for line in why if float(line[:6]) * 1000 < last_ms)])


def _row(states: dict[int, str], cells: range) -> str:
    mark, row = " ", ""
    for cell in cells:
        mark = states.get(cell, " " if mark in "Cx" else mark)
        row += mark
    return row


def scene(
    policy: TimingPolicy,
    events: Events,
    until_ms: int,
    *,
    tasks: int = 1,
    running: int = 0,
    voice: Callable[[MicroTurn], Sequence[ModelEvent]] = plain_voice,
    latency_ms: int = 0,
) -> Callable[[], str]:
    """Draws a run from 1 s on. `tasks` tasks are at work, and `running` more that bring nothing."""

    def draw() -> str:
        begun: list[tuple[int, Event]] = []
        for number in range(1, tasks + running + 1):
            begun += [(0, ModelDelegated(f"task {number}")), (0, DelegationUpdate(f"s-{number}", "running"))]
        session = a_session(policy, pace=60, reassure_ms=None)
        records = play(session, [*begun, *events], until_ms=until_ms, voice=voice, latency_ms=latency_ms)
        return lanes(records, 1_000, until_ms)

    return draw


def talks(at_ms: int, text: str) -> Events:
    return [(at_ms, ModelSpoke(text)), (at_ms, ModelRested(0))]


def answering(turn: MicroTurn) -> Sequence[ModelEvent]:
    """Answers what was finished, and tells what it is offered."""
    said = [ModelSpoke("It is half past ten.")] if any(piece.final for piece in turn.heard) else []
    return *said, *plain_voice(turn)


def _slow() -> Events:
    starts = (1_000, 2_800, 4_600)
    return [(start + 200 * n, UserText(key)) for start in starts for n, key in enumerate("and")]


GATED: Final = FirstOf((WaitForGap(), Speak()))
TRAIN: Final = "The train leaves at nine."
STORY: Final = "The old station has a clock, which was built long ago, and it is still wound by hand each week."

SCENES: Final[dict[str, Callable[[], str]]] = {
    "WaitForGap": scene(GATED, [*types("when is it", 1_000), (1_600, found(TRAIN))], 4_000),
    "WaitForGap, slow": scene(GATED, [*_slow(), (2_000, found(TRAIN))], 9_000),
    "Ahead": scene(
        Ahead(WaitForGap(), FirstOf((AnswerFirst(), Speak()))),
        [*types("well", 1_000), (1_200, found(TRAIN))],
        3_600,
        latency_ms=250,
    ),
    "without Ahead": scene(
        FirstOf((WaitForGap(), AnswerFirst(), Speak())),
        [*types("well", 1_000), (1_200, found(TRAIN))],
        3_600,
        latency_ms=250,
    ),
    "AnswerFirst": scene(
        FirstOf((WaitForGap(), AnswerFirst(), AtBoundary(), Speak())),
        [*types("what time?", 1_000), (1_600, found(TRAIN))],
        4_000,
        voice=answering,
        latency_ms=500,
    ),
    "AtBoundary": scene(
        FirstOf((WaitForGap(), AtBoundary(finish_chars=40), Speak())),
        [*talks(1_000, STORY), (1_250, found(TRAIN))],
        4_000,
    ),
    "Settle": scene(
        FirstOf((Settle(), Speak())),
        [(1_400, found("One.")), (1_550, found("Two.", "s-2"))],
        2_600,
        tasks=2,
        running=1,
    ),
    "Urgent": scene(
        FirstOf((Urgent(FirstOf((WaitForGap(), Speak(reason="urgent: at the first gap")))), WaitForGap(), Speak())),
        [
            *types("tell me about the sea", 1_000),
            (1_400, found("The kettle boils.", urgency="high")),
            (2_000, found("Smoke in the hall!", "s-2", urgency="critical")),
        ],
        5_000,
        tasks=2,
    ),
    "Patience": scene(
        FirstOf((Patience(2_000, ShowToTyping()), WaitForGap(), Speak())),
        [*types("I am writing on and on here", 1_000), (1_200, found(TRAIN))],
        4_000,
    ),
    "Shorten": scene(
        Shorten(2_000, GATED),
        [*types("I am writing and writing", 1_000), (1_200, found(f"{TRAIN} It is direct, and has a dining car."))],
        5_000,
    ),
    "Announce": scene(
        FirstOf((Patience(1_000, Announce()), AtBoundary(finish_chars=10_000), Speak())),
        [*talks(1_000, STORY), (1_250, found(TRAIN))],
        4_600,
    ),
    "MovedOn": scene(
        FirstOf((WaitForGap(), MovedOn(), Speak())),
        [
            (1_000, found(f"{TRAIN} It is direct.")),
            *types("wait", 1_600),
            (2_050, ModelDelegated("a hotel")),
            (2_060, ModelDelegated("a taxi")),
        ],
        3_000,
    ),
    "InOrder": scene(
        InOrder(GATED),
        [
            *types("ok", 1_000),
            (1_050, found("Which day?", "s-3", kind="question")),
            (1_100, found("It failed.", "s-2", kind="error")),
            (1_150, found(TRAIN)),
        ],
        3_000,
        tasks=3,
    ),
    "Budget": scene(
        Budget(FirstOf((WaitForGap(), AtBoundary(), Speak())), chars=40),
        [*types("ok", 1_000), (1_050, found(TRAIN)), (1_100, found("It will rain all day.", "s-2"))],
        4_400,
        tasks=2,
    ),
    "Expire": scene(
        FirstOf((Expire(), WaitForGap(), Speak())),
        [
            *types("one moment", 1_000),
            (1_200, found("It is at gate 4 now.", kind="partial", expires_at_ms=1_900)),
            (1_400, found(TRAIN, "s-2", expires_at_ms=1_900)),
        ],
        4_000,
        tasks=2,
    ),
    "Supersede": scene(
        FirstOf((Supersede(), WaitForGap(), Speak())),
        [*types("one moment", 1_000), (1_200, found("So far: nine.", kind="partial")), (1_600, found(TRAIN, seq=2))],
        4_000,
    ),
    "SilentProgress": scene(
        FirstOf((SilentProgress(), Speak())),
        [(1_200, found("asking the timetable", kind="progress")), (1_800, found(TRAIN, seq=2))],
        3_000,
    ),
}
"""By the name of the policy that each shows."""
