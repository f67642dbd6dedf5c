"""When it speaks and when it stops, through the real driver in virtual time: what the design costs, not the machine.

Every case is tried at many places of the 200 ms grid, since that is what decides how long something waits. Virtual time
passes only where something waits on purpose; what the program itself takes on top is in `micro_turn` and `handoff`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from benchmarks.measuring import Report, Row, at_most, percentile, shown
from orchestrator.clock import Instant, from_ms, to_ms
from orchestrator.effects import Emit, StopSpeaking
from orchestrator.events import UserEvent, UserText
from orchestrator.finding import Finding
from orchestrator.journal import Record
from orchestrator.scenario import GivenDelegation, GivenModel, GivenStep, GivenTool, Scenario
from orchestrator.simulation import simulate_virtually

__all__ = ["run"]

TICK_MS: Final = 200
QUICK_MS: Final = 20
"""DESIGN's bar for the first word at a good moment: one early micro-turn."""
CLAUSES: Final = (
    "The harbour of Marseille is older than the town around it,",
    "and the boats that lie there now,",
    "most of them white,",
    "belong to people from somewhere else entirely,",
    "who come in summer, stay for a week or two,",
    "and leave again;",
    "in winter it is quiet, the nets hang over the rails to dry,",
    "and the cafes close early, because nobody would come to them anyway.",
)
"""Six seconds of speech with clauses as people make them: some are long, some are short."""
PLAIN: Final = " ".join(["one word after the other without any pause for breath"] * 6) + "."
"""The same length without a clause: then the next word must do."""


def run(*, small: bool = False) -> Report:
    """Measure. `small` is for the test that this still works."""
    offsets = range(0, TICK_MS, 90 if small else 7)
    few = offsets[::6]
    stories = [" ".join((*CLAUSES[at:], *CLAUSES[:at])) for at in range(1 if small else len(CLAUSES))]
    ready = [_good_moment(offset) for offset in offsets]
    after_typing = [_held_for_person(offset) for offset in offsets]
    enter = [_enter(offset) for offset in offsets]
    return Report(
        "timing_of_speech",
        "the real driver, voice, bus and worker in virtual time",
        (
            at_most("finding ready, moment good, to first word: p50", percentile(ready, 50), "ms", QUICK_MS),
            shown("  the longest", max(ready), "ms"),
            *_clause("3.5 s of assistant speech left, to first word of the finding", stories, few),
            *_clause("  the same, speech without a single clause", [PLAIN], offsets),
            shown("finding held, person's Enter, to first word of it: p50", percentile(after_typing, 50), "ms"),
            at_most("person's Enter to first word, embedded voice: the longest", max(enter), "ms", TICK_MS),
            *_barge_in("barge-in: key to the last emitted output", "what", offsets),
            *_barge_in("  the same, key that may begin a backchannel", "ok wait", offsets),
        ),
        (
            f"{len(offsets)} places on the grid for each case; with clauses, {len(few)} in {len(stories)} texts each.",
            "0 ms for a barge-in means that nothing was emitted after the key, also not at the same millisecond.",
        ),
    )


def _good_moment(offset: int) -> float:
    """Nobody speaks, nothing else runs: from the finding to the first word that tells it."""
    records = _talk(_asks(500, "find the train"), result_ms=4_000 + offset)
    found = _at(records, _is_final)
    return _at(records, _tells, since=found) - found


def _held_for_person(offset: int) -> float:
    """The finding comes while the person types: from their Enter to the first word that tells it."""
    typing: list[tuple[int, UserEvent]] = [(3_000 + 150 * key + offset, UserText("x")) for key in range(20)]
    enter = 6_000 + offset
    records = _talk([*_asks(500, "find the train"), *typing, (enter, UserText("", final=True))], result_ms=3_000)
    found = _at(records, _is_final)
    if not found < enter:
        raise AssertionError("the finding was to come while the person types")
    return _at(records, _tells, since=enter) - enter


def _enter(offset: int) -> float:
    """From Enter to the first word of the embedded voice, for a line it did not answer while it was typed."""
    enter = 1_900 + offset
    keys: list[tuple[int, UserEvent]] = [
        (1_000 + offset + 80 * at, UserText(key)) for at, key in enumerate("hello you")
    ]
    scenario = Scenario(events=_instants([*keys, (enter, UserText("", final=True))]))
    records = list(simulate_virtually(scenario).records)
    if any(_speaks(record) for record in records if to_ms(record.at) < enter):
        raise AssertionError("the voice was to wait for Enter")
    return _at(records, _speaks, since=enter) - enter


def _clause(what: str, stories: Sequence[str], offsets: Sequence[int]) -> list[Row]:
    waits = [_speech_left(story, offset) for story in stories for offset in offsets]
    return [
        at_most(f"{what}: p50", percentile(waits, 50), "ms", 900),
        at_most("    the longest", max(waits), "ms", 900),
    ]


def _speech_left(speech: str, offset: int) -> float:
    """The finding comes when 3.5 s are left of what the assistant says: to the first word that tells it."""
    begun = 1_500
    told = round(len(speech) / 60 * 1_000) - 3_500
    asks = [*_asks(500, "find the train"), *_asks(begun, "tell me a story")]
    # The tool is called as soon as the line has ended; its time counts from there.
    records = _talk(asks, result_ms=begun + told - 500 + offset - TICK_MS // 2, story=speech)
    found = _at(records, _is_final)
    said = sum(
        len(record.item.text) for record in records if isinstance(record.item, Emit) and record.at <= from_ms(found)
    )
    if not 2_900 < (len(speech) - said) / 60 * 1_000 < 4_100:
        raise AssertionError(f"about 3.5 s of speech should be left, not {(len(speech) - said) / 60:.1f} s")
    return _at(records, _tells, since=found) - found


def _barge_in(what: str, line: str, offsets: Sequence[int]) -> list[Row]:
    late = [_overrun(line, offset) for offset in offsets]
    return [at_most(f"{what}: the longest", max(late), "ms", 0)]


def _overrun(line: str, offset: int) -> float:
    """The person begins in the middle of an answer: for how long after their first key it is still heard."""
    begins = 3_000 + offset
    keys: list[tuple[int, UserEvent]] = [(begins + 120 * at, UserText(key)) for at, key in enumerate(line)]
    records = _talk(
        [*_asks(500, "tell me a story"), *keys, (begins + 1_500, UserText("", final=True))], story=" ".join(CLAUSES)
    )
    key = next(
        at for at, record in enumerate(records) if isinstance(record.item, UserText) and to_ms(record.at) == begins
    )
    if not any(isinstance(record.item, StopSpeaking) for record in records[key:]):
        raise AssertionError("the person was to interrupt")
    utterance = next(record.item.utterance for record in records if isinstance(record.item, Emit))
    over = [
        to_ms(record.at) - begins
        for record in records[key:]
        if isinstance(record.item, Emit) and record.item.utterance == utterance and not record.item.about
    ]
    return max(over, default=0)


# --- conversations ---------------------------------------------------------------------------------------------------


def _asks(at_ms: int, line: str) -> list[tuple[int, UserEvent]]:
    return [(at_ms, UserText(line, final=True))]


def _talk(events: Sequence[tuple[int, UserEvent]], *, result_ms: int = 0, story: str = "") -> list[Record]:
    """A conversation with a tool that takes `result_ms` and a voice that can tell a story."""
    scenario = Scenario(
        tools=(GivenTool("trains", "Looks up a train.", (GivenStep(result_ms, result="It leaves at 9:12."),)),),
        rules=(
            GivenModel("train", "", GivenDelegation("trains", "the next train")),
            *((GivenModel("story", story),) if story else ()),
        ),
        events=_instants(events),
    )
    return list(simulate_virtually(scenario).records)


def _instants(events: Sequence[tuple[int, UserEvent]]) -> tuple[tuple[Instant, UserEvent], ...]:
    return tuple((from_ms(at_ms), event) for at_ms, event in events)


def _at(records: Sequence[Record], what: Callable[[Record], bool], *, since: int = 0) -> int:
    """The millisecond of the first record that is `what`."""
    return next(to_ms(record.at) for record in records if to_ms(record.at) >= since and what(record))


def _is_final(record: Record) -> bool:
    return isinstance(record.item, Finding) and record.item.kind == "final"


def _speaks(record: Record) -> bool:
    return isinstance(record.item, Emit) and bool(record.item.text)


def _tells(record: Record) -> bool:
    return isinstance(record.item, Emit) and bool(record.item.about and record.item.text)
