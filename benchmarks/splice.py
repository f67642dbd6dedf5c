"""When a result is spliced in: the design's situations, each 30 times, on the real loop and the system clock.

The driver, voice, bus, worker and tool are the real ones, and times are read where the person hears: at the link.
`tests/bench/test_splicing_bars.py` holds the same conversations in virtual time, where no machine is in the way.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Final, Literal

import anyio
import msgspec

from background.models.rules import RulesReasoner
from background.worker import Worker
from benchmarks.measuring import Report, Row, at_most, percentile, shown
from interaction.clock import SystemClock
from interaction.links.scripted import ScriptedLink
from interaction.loop import drive
from orchestrator.bus.memory import MemoryBus
from orchestrator.clock import from_ms, to_ms
from orchestrator.config import SessionConfig
from orchestrator.effects import Emit, LedgerChanged, StopSpeaking
from orchestrator.events import UserEvent, UserText
from orchestrator.finding import Finding
from orchestrator.journal import Recorder
from orchestrator.ports import Opening
from orchestrator.scenario import GivenDelegation, GivenModel, GivenStep
from orchestrator.session import Session
from orchestrator.simulation import scripted_voice
from orchestrator.testing.scripted_tool import ScriptedTool
from orchestrator.testing.virtual import run_virtual
from orchestrator.timing import default_policy

__all__ = ["Outcome", "Told", "conversations", "really", "run", "virtually"]

TIMES: Final = 30
ASKED_MS: Final = 300
PACE: Final = 60
RESULT: Final = "It leaves at 9:12, from platform four, and it is direct."
STORY: Final = (
    "The harbour of Marseille is older than the town around it, and the boats that lie there now, most of them white, "
    "belong to people from somewhere else entirely, who come in summer, stay for a week or two, and leave again; in "
    "winter it is quiet, the nets hang over the rails to dry, and the cafes close early."
)
_Since = Literal["finding", "enter"]


class Told(msgspec.Struct, frozen=True):
    """A conversation: what the person does, when the tool answers, and from when on its first word is waited for."""

    events: tuple[tuple[int, UserEvent], ...]
    result_ms: int
    """After the call, which comes with the line at `ASKED_MS`."""
    since: _Since = "finding"
    begins_ms: int | None = None
    """When the person begins to type, where what is said over them counts."""


class Outcome(msgspec.Struct, frozen=True):
    """What came of it."""

    told: int
    """How often the ledger was content with it: heard, or shown."""
    delay_ms: float
    """To the first word of the result at the link; below 0: too early."""
    over: int = 0
    """Pieces of speech that came to the link after the person's first key and before they had finished."""
    overlap_ms: float = 0.0
    """From that key to the last such piece."""
    sounding_ms: float = 0.0
    """For how long after that key the piece before it goes on, were it sound at the session's pace."""
    reply_ms: float = 0.0
    """From the person's last Enter to the first word of any kind."""


def conversations() -> dict[str, list[Told]]:
    """The design's situations by name, each at 30 places of the grid."""
    asks = (ASKED_MS, UserText("find the train", final=True))
    story = (1_000, UserText("tell me a story", final=True))
    left_ms = round(len(STORY) / PACE * 1_000) - 3_500
    found: dict[str, list[Told]] = {"nobody speaks": [], "assistant speaks": [], "person begins": [], "person ends": []}
    for at in range(TIMES):
        offset = at * 7
        found["nobody speaks"].append(Told((asks,), 2_000 + offset))
        found["assistant speaks"].append(Told((asks, story), 1_000 + left_ms - ASKED_MS + offset - 100))
        begins = 2_500 + 17 * at
        found["person begins"].append(
            Told((asks, *_types("what is it", begins)), 2_500 - ASKED_MS, begins_ms=begins),
        )
        found["person ends"].append(Told((asks, *_types("what is it", 2_000 + offset)), 2_200, "enter"))
    return found


def _types(line: str, begins_ms: int) -> tuple[tuple[int, UserEvent], ...]:
    keys = [(begins_ms + 100 * at, UserText(key)) for at, key in enumerate(line)]
    return (*keys, (begins_ms + 100 * len(line), UserText("", final=True)))


def virtually(told: Sequence[Told]) -> list[Outcome]:
    """Hold them in virtual time."""
    return [run_virtual(partial(_hold, each)) for each in told]


def really(told: Mapping[str, Sequence[Told]]) -> dict[str, list[Outcome]]:
    """Hold them on the system clock, those of one kind side by side."""
    return anyio.run(_all, told)


def run(*, small: bool = False) -> Report:
    """Measure. `small` is for the test that this still works."""
    told = {name: each[:: 10 if small else 1] for name, each in conversations().items()}
    found = really(told)
    idle, speaks, begins, ends = (found[name] for name in told)
    every = [outcome for each in found.values() for outcome in each]
    return Report(
        "splice",
        "results spliced in, on the real loop and the system clock",
        (
            *_delays("nobody speaks: finding to first word", idle, p50=20),
            *_delays("3.5 s of assistant speech left: finding to first word", speaks, longest=900),
            at_most("person begins within 0.5 s: collisions", sum(each.over > 0 for each in begins), "", 2),
            at_most("    the longest overlap", max(each.overlap_ms for each in begins), "ms", 60),
            shown(
                "    were it sound: the piece in flight, the longest", max(each.sounding_ms for each in begins), "ms"
            ),
            at_most("person's Enter to first word: p50", percentile([each.reply_ms for each in ends], 50), "ms", 200),
            *_delays("    then the finding that was held", ends),
            at_most("    told before the Enter", sum(each.delay_ms < 0 for each in ends), "", 0),
            at_most("results never told", sum(each.told == 0 for each in every), "", 0),
            at_most("results told twice", sum(each.told > 1 for each in every), "", 0),
        ),
        (
            f"{len(idle)} conversations of each kind, all kinds one after the other, those of one kind side by side.",
            "The person is answered first, and then told what was held.",
            "Text stops at once; of sound, at most what was handed over for one micro-turn is in flight.",
        ),
    )


def _delays(what: str, found: Sequence[Outcome], *, p50: float = 0, longest: float = 0) -> list[Row]:
    delays = [each.delay_ms for each in found]
    middle, most = percentile(delays, 50), max(delays)
    return [
        at_most(f"{what}: p50", middle, "ms", p50) if p50 else shown(f"{what}: p50", middle, "ms"),
        at_most("    the longest", most, "ms", longest) if longest else shown("    the longest", most, "ms"),
    ]


async def _all(told: Mapping[str, Sequence[Told]]) -> dict[str, list[Outcome]]:
    return {name: await _side_by_side(each) for name, each in told.items()}


async def _side_by_side(told: Sequence[Told]) -> list[Outcome]:
    outcomes: dict[int, Outcome] = {}

    async def one(at: int, each: Told) -> None:
        # Evenly over the 200 ms of the grid, as conversations are that begin by themselves.
        await anyio.sleep(at * 0.2 / len(told))
        outcomes[at] = await _hold(each)

    async with anyio.create_task_group() as group:
        for at, each in enumerate(told):
            group.start_soon(one, at, each)
    return [outcomes[at] for at in range(len(told))]


class _Ear:
    """The person's side: does what is planned, and notes when what comes."""

    def __init__(self, events: Sequence[tuple[int, UserEvent]], clock: SystemClock) -> None:
        self._clock = clock
        self._person = ScriptedLink([(from_ms(at), event) for at, event in events], clock)
        self.did: list[tuple[float, UserEvent]] = []
        self.came: list[tuple[float, Emit | StopSpeaking]] = []

    async def events(self) -> AsyncIterator[UserEvent]:
        async for event in self._person.events():
            self.did.append((self._now(), event))
            yield event

    async def emit(self, part: Emit) -> None:
        self.came.append((self._now(), part))
        await self._person.emit(part)

    async def stop(self, stop: StopSpeaking) -> None:
        self.came.append((self._now(), stop))
        await self._person.stop(stop)

    def _now(self) -> float:
        return self._clock.now() / 1_000_000


async def _hold(told: Told) -> Outcome:
    """One conversation on the running loop, whatever its clock."""
    voice = scripted_voice(
        [
            GivenModel("train", "", GivenDelegation("trains", "the next train")),
            GivenModel("story", STORY),
            GivenModel("what is it", "It is the train."),
        ]
    )
    tool = ScriptedTool("trains", "Looks up a train.", (GivenStep(told.result_ms, result=RESULT),))
    session = Session(SessionConfig(pace=PACE, wants_silence=voice.traits.wants_silence), timing=default_policy())
    clock, bus, journal = SystemClock(), MemoryBus(), Recorder()
    ear = _Ear(told.events, clock)
    async with bus.front() as front, bus.worker(name="worker") as side, anyio.create_task_group() as group:
        group.start_soon(Worker(side, RulesReasoner(), [tool]).run)
        opening = Opening(session.config.id, (tool.info,))
        await drive(session, model=voice, opening=opening, link=ear, bus=front, clock=clock, journal=journal)
        group.cancel_scope.cancel()
    return _outcome(told, ear, journal)


def _outcome(told: Told, ear: _Ear, journal: Recorder) -> Outcome:
    found, ready = next(
        (record.item.id, float(to_ms(record.at)))
        for record in journal.records
        if isinstance(record.item, Finding) and record.item.kind == "final"
    )
    content = [
        record.item.state
        for record in journal.records
        if isinstance(record.item, LedgerChanged)
        and record.item.finding == found
        and record.item.state in ("heard", "acknowledged")
    ]
    first = next(at for at, part in ear.came if isinstance(part, Emit) and found in part.about)
    enter = max(at for at, event in ear.did if isinstance(event, UserText) and event.final)
    since = enter if told.since == "enter" else ready
    reply = next((at - enter for at, part in ear.came if isinstance(part, Emit) and part.text and at >= enter), 0.0)
    if told.begins_ms is None:
        return Outcome(len(content), first - since, reply_ms=reply)
    key = min(at for at, event in ear.did if at >= told.begins_ms and isinstance(event, UserText))
    over = [at - key for at, part in ear.came if key < at < enter and isinstance(part, Emit) and part.text]
    stop = next((at for at, part in ear.came if at >= key and isinstance(part, StopSpeaking)), enter)
    ends = [at + len(part.text) * 1_000 / PACE for at, part in ear.came if at <= key and isinstance(part, Emit)]
    sounding = max(0.0, min(max(ends, default=key), stop) - key)
    return Outcome(len(content), first - since, len(over), max(over, default=0.0), sounding, reply)
