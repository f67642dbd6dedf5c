"""When things are said, in virtual time through the real driver: milliseconds of session time, exact and repeatable."""

from __future__ import annotations

from benchmarks.figures import Figure
from orchestrator.clock import from_ms, to_ms
from orchestrator.effects import Emit, StopSpeaking
from orchestrator.events import UserActivity, UserEvent, UserText
from orchestrator.finding import Finding
from orchestrator.journal import Record
from orchestrator.scenario import GivenDelegation, GivenModel, GivenStep, GivenTool, Scenario
from orchestrator.simulation import simulate_virtually

__all__ = ["run"]

STORY = "Once there was a station master, who counted trains, all of them, " * 4


def _hold(events: list[tuple[int, UserEvent]], *, after_ms: int, say: str = "Yes.") -> list[Record]:
    tool = GivenTool("lookup", "Looks it up.", (GivenStep(after_ms, result="The answer is forty-two."),))
    rule = GivenModel("find", say, GivenDelegation("lookup"))
    timed = tuple((from_ms(at), event) for at, event in events)
    return list(simulate_virtually(Scenario((tool,), (rule,), timed)).records)


def _at(records: list[Record], kind: type, *, after_ms: int = 0, about: bool | None = None) -> int:
    for record in records:
        item = record.item
        if not isinstance(item, kind) or to_ms(record.at) < after_ms:
            continue
        if about is None or (isinstance(item, Emit) and bool(item.about) is about):
            return to_ms(record.at)
    raise AssertionError(f"no {kind.__name__} after {after_ms} ms")


def _final(records: list[Record]) -> int:
    finals = [to_ms(r.at) for r in records if isinstance(r.item, Finding) and r.item.kind == "final"]
    return finals[0]


def run(*, quick: bool = False) -> list[Figure]:
    """The figures. They are the same at every run."""
    offsets = range(0, 200, 100 if quick else 7)
    asked = UserText("find it", final=True)
    idle, reply, story, barge, after_typing = (list[int]() for _ in range(5))
    for offset in offsets:
        records = _hold([(1_000 + offset, asked)], after_ms=4_000)
        idle.append(_at(records, Emit, about=True) - _final(records))
        reply.append(_at(records, Emit) - (1_000 + offset))
        records = _hold([(1_000 + offset, asked)], after_ms=1_100, say=STORY)
        story.append(_at(records, Emit, about=True) - _final(records))
        events: list[tuple[int, UserEvent]] = [(1_000, asked), (2_000 + offset, UserActivity("typing"))]
        records = _hold(events, after_ms=60_000, say=STORY)
        barge.append(_at(records, StopSpeaking) - (2_000 + offset))
        silent = 6_000 + offset
        records = _hold(
            [(1_000, asked), (2_000, UserActivity("typing")), (silent, UserActivity("silent"))], after_ms=3_000
        )
        after_typing.append(_at(records, Emit, about=True) - silent)
    return [
        Figure("result ready in a silence -> its first word, median", sorted(idle)[len(idle) // 2], "ms", "at most 20"),
        Figure("the same, longest", max(idle), "ms"),
        Figure("result ready, 3.5 s of speech left -> its first word, longest", max(story), "ms", "at most 900"),
        Figure("the person's Enter -> first word of the scripted voice, longest", max(reply), "ms", "at most 200"),
        Figure("the person begins -> the assistant is stopped, longest", max(barge), "ms", "at once"),
        Figure("the person falls silent -> first word of what was held, longest", max(after_typing), "ms"),
    ]
