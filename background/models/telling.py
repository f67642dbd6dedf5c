"""What the rules say: short sentences that can be spoken, and nothing that only a programmer would want to hear."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, cast

import msgspec

from background.models.planning import Step
from orchestrator.finding import Finding, Source
from orchestrator.ports import Result, ToolInfo

__all__ = ["Outcome", "abilities", "answer", "beginning", "nothing_fits", "part", "spoken"]

LONG: Final = 320
"""Characters that are still said as one answer."""

SHORT: Final = 160
"""The same for one of several."""

LARGEST_DATA: Final = 16_000
"""Bytes of a value that still go along with an answer; the hand-off is no file server."""


class Outcome(msgspec.Struct, frozen=True):
    """A step and what it came to."""

    step: Step
    result: Result


def spoken(text: str, limit: int = LONG) -> str:
    """The beginning of `text` in one to three sentences, cut where one ends, and a word on what was left out."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    if not lines:
        return "There was nothing to say about it."
    if len(lines) <= 3 and sum(len(line) for line in lines) <= limit:
        return _sentence(" ".join(_stopped(line) for line in lines[:-1]) + (" " if len(lines) > 1 else "") + lines[-1])
    taken: list[str] = []
    pieces = [piece for line in lines for piece in re.split(r"(?<=[.!?])\s+(?=[A-ZÀ-Þ\"'(])", line)]
    for piece in pieces:
        if len(taken) == 3 or (taken and sum(map(len, taken)) + len(piece) > limit):
            break
        taken.append(_stopped(_clipped(piece, limit)))
    left = len(pieces) - len(taken)
    more = f" There is more: {left} further {'line' if left == 1 else 'lines'}." if left else ""
    return _sentence(" ".join(taken)) + more


def beginning(step: Step) -> str:
    """What is being done now."""
    given = ", ".join(f"{name.replace('_', ' ')} {_shown(value)}" for name, value in step.arguments.items())
    return f"Using {step.tool.replace('_', ' ')}{f' with {given}' if given else ''}"


def part(outcome: Outcome) -> Finding:
    """One of several steps is done."""
    return Finding.partial(spoken(outcome.result.text, SHORT), sources=outcome.result.sources)


def answer(outcomes: Sequence[Outcome], unmatched: Sequence[str], tools: Sequence[ToolInfo]) -> Finding:
    """The one answer to a task: what worked, then what did not and why."""
    good = [outcome for outcome in outcomes if outcome.result.ok]
    sentences = [spoken(outcome.result.text, LONG if len(outcomes) == 1 else SHORT) for outcome in good]
    sentences += [_failure(outcome) for outcome in outcomes if not outcome.result.ok]
    sentences += [f"For “{clause}” I have no tool." for clause in unmatched]
    text = " ".join(sentences)
    if not good:
        return Finding.error(text)
    sources = tuple(dict.fromkeys(source for outcome in good for source in outcome.result.sources))
    return Finding.final(text, sources=_shorter(sources), data=_data(outcomes))


def nothing_fits(task: str, tools: Sequence[ToolInfo], wanted: Sequence[str] = ()) -> Finding:
    """No tool fits; says what can be done instead. `wanted` are the tools that the task was to use."""
    if wanted and not tools:
        names = " or ".join(f"“{name}”" for name in wanted)
        return Finding.error(f"There is no tool {names} here, so I could not do that.")
    if not tools:
        return Finding.error("I have no tools here, so I cannot do that.")
    return Finding.error(
        f"I work by rules, not by understanding, and none of my tools fits “{_clipped(task, 80)}”. "
        f"I can {abilities(tools)}."
    )


def abilities(tools: Sequence[ToolInfo]) -> str:
    """What the tools do, as one would say it: "find the next trains, or calculate a sum"."""
    all_ = [_ability(info) for info in tools]
    shown = all_[:6]
    if len(all_) > len(shown):
        shown.append(f"{len(all_) - len(shown)} things more")
    return shown[0] if len(shown) == 1 else f"{'; '.join(shown[:-1])}; or {shown[-1]}"


def _ability(info: ToolInfo) -> str:
    first = re.split(r"(?<=[.!?])\s|\n|[:;] ", info.description.strip(), maxsplit=1)[0].rstrip(" .!")
    if not first:
        return f"use {info.name.replace('_', ' ')}"
    # An acronym at the beginning keeps its capitals.
    return first if first[1:2].isupper() else first[:1].lower() + first[1:]


def _failure(outcome: Outcome) -> str:
    # A tool's error has a line each for what, why and what to do; only the first two are for the person.
    lines = [line.strip() for line in outcome.result.text.splitlines() if line.strip()][:2]
    reason = " ".join(_stopped(_clipped(line, SHORT)) for line in lines) or "The tool gave no reason."
    return f"I could not {_as_order(outcome.step)}: {reason}"


def _as_order(step: Step) -> str:
    task = _clipped(step.task, 60).rstrip(".!?")
    question = re.match(r"(?:what|how|when|where|which|who|is|are|does|do|will)\b", task, re.IGNORECASE)
    return f"answer “{task}”" if question else f"do “{task}”"


def _data(outcomes: Sequence[Outcome]) -> dict[str, Any] | None:
    """The values themselves: the tool's own for one step, else a list of the steps."""
    data: dict[str, Any]
    if len(outcomes) == 1:
        value = outcomes[0].result.data
        data = cast("dict[str, Any]", value) if isinstance(value, dict) else {"value": value}
    else:
        data = {
            "steps": [
                {
                    "tool": item.step.tool,
                    "arguments": dict(item.step.arguments),
                    "ok": item.result.ok,
                    "value": item.result.data,
                }
                for item in outcomes
            ]
        }
    try:
        return data if data != {"value": None} and len(msgspec.json.encode(data)) <= LARGEST_DATA else None
    except (TypeError, ValueError, OverflowError):
        return None


def _shorter(sources: tuple[Source, ...]) -> tuple[Source, ...]:
    return sources[:10]


def _shown(value: object) -> str:
    return f"“{_clipped(value, 60)}”" if isinstance(value, str) else str(value)


def _clipped(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    return f"{text[:limit].rsplit(' ', 1)[0].rstrip(' ,;:')} …"


def _stopped(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…", ":", ";")) else f"{text}."


def _sentence(text: str) -> str:
    return _stopped(text) if re.search(r"\w$|\)$|”$|\"$", text) and " " in text else text
