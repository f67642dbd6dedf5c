"""What must hold in every conversation, whatever was done to whom. Pure: journals in, violations out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final

import msgspec

from tests.chaos.evidence import FindingStory, Life, Stories, stories

__all__ = ["LAWS", "Violation", "broken"]

_ENDS: Final = ("done", "failed", "cancelled", "superseded")
_ACCOUNTED: Final = ("heard", "acknowledged", "superseded", "cancelled")
_PATIENT_ATTEMPTS: Final = 3
_TELLERS: Final = 2
_TOO_LATE: Final = ("The time for this ran out", "That took longer than", "I have to give up")


class Violation(msgspec.Struct, frozen=True):
    """A law that was broken: which, how, and where to look."""

    law: str
    what: str
    where: str = ""


Law = Callable[[Life, Stories], Iterator[str]]


def broken(life: Life) -> list[Violation]:
    """Every law that this life breaks."""
    told = stories(life.lines)
    return [Violation(name, what, life.session) for name, law in LAWS.items() for what in law(life, told)]


def _one_end(life: Life, told: Stories) -> Iterator[str]:
    for task in told.tasks.values():
        if not task.tasks:
            continue
        # What is answered may still be replaced, and nothing else may happen to it.
        ends = task.ends[:1] if task.ends[1:] == ["superseded"] and task.ends[0] in ("done", "failed") else task.ends
        if len(ends) > 1 or (life.finished and not ends and not set(task.unsure) & set(_ENDS)):
            yield f"{task.id} ({task.tasks[0]}) ended as {task.ends}"


def _one_task(life: Life, told: Stories) -> Iterator[str]:
    for task in told.tasks.values():
        # Whoever takes a session up writes down what is at work in it, once more.
        if len(set(task.tasks)) > 1:
            yield f"{task.id} was handed over as {task.tasks}"


def _accounted(life: Life, told: Stories) -> Iterator[str]:
    for finding in told.findings.values():
        if not finding.terminal:
            continue
        if not finding.states and not finding.unsure:
            yield f"{finding.id} arrived, and nothing became of it"
        elif finding.accepted is not None:
            if life.finished and finding.state not in _ACCOUNTED:
                yield f"{finding.id} was {finding.state} at the end"
        elif finding.states and finding.state not in _ACCOUNTED and not _ended_before(finding, told):
            yield f"{finding.id} was refused as {finding.state} ({finding.states[-1][2]})"


def _ended_before(finding: FindingStory, told: Stories) -> bool:
    task = told.tasks.get(finding.delegation)
    if task is None or not task.tasks:
        # Nobody of this life has asked for it.
        return True
    return any(at < finding.arrivals[0] for at, state, _ in task.states if state in task.ends)


def _told_once(life: Life, told: Stories) -> Iterator[str]:
    answers = Counter[str]()
    for finding in told.findings.values():
        heard = [at for at, state, _ in finding.states if state == "heard"]
        if len(heard) > 1:
            yield f"{finding.id} was heard {len(heard)} times"
        over = finding.over
        late = [at for at in finding.emitted if over is not None and at > over]
        if late:
            yield f"{finding.id} was still being told after it was {finding.state}"
        if finding.emitted and not finding.arrivals:
            yield f"{finding.id} was told and had never arrived"
        if heard and finding.terminal:
            answers[finding.delegation] += 1
    yield from (f"{task} was answered {count} times" for task, count in answers.items() if count > 1)


def _attempts_in_order(life: Life, told: Stories) -> Iterator[str]:
    for task in told.tasks.values():
        taken = [finding for finding in task.findings if finding.accepted is not None]
        taken.sort(key=lambda finding: finding.accepted or 0)
        for before, after in pairwise(taken):
            if after.attempt < before.attempt:
                yield f"{after.id} was taken after {before.id} of a later attempt"


def _corrections_followed(life: Life, told: Stories) -> Iterator[str]:
    for task in told.tasks.values():
        for finding in task.findings:
            at = finding.accepted
            if at is None or finding.kind != "final":
                continue
            wanted = [text for when, text in task.corrections if when < at]
            if wanted and f"as {wanted[-1]}." not in finding.text:
                yield f"{finding.id} was taken as {finding.text!r}, after the correction {wanted[-1]!r}"


def _nobody_gives_up(life: Life, told: Stories) -> Iterator[str]:
    """Whatever was done, there was time enough, unless it was done to one worker after the other of the same task."""
    for finding in told.findings.values():
        late = finding.terminal and (finding.seq == 0 or finding.text.startswith(_TOO_LATE))
        if late and finding.attempt < _PATIENT_ATTEMPTS:
            yield f"{finding.id}: {finding.text or 'the session gave up'}"


def _told_of_outages(life: Life, told: Stories) -> Iterator[str]:
    """Two may tell of it, each for itself: the hand-off, and whoever keeps the session."""
    away = 0
    for line in life.lines:
        match line["type"]:
            case "opened":
                away = 0
            case "bus.down":
                away += 1
                if away > _TELLERS:
                    yield f"the hand-off went away again without coming back, at {line['at_ms']} ms"
            case "bus.up":
                away -= 1
                if away < 0:
                    yield f"the hand-off came back without having been away, at {line['at_ms']} ms"
            case _:
                pass
    if away > 0 and life.finished:
        yield "the hand-off never came back"


LAWS: Final[dict[str, Law]] = {
    "every task ends once": _one_end,
    "an id stands for one task": _one_task,
    "every answer is accounted for": _accounted,
    "nothing is told twice": _told_once,
    "no older attempt after a newer one": _attempts_in_order,
    "an answer follows the last correction": _corrections_followed,
    "nobody gives up": _nobody_gives_up,
    "who is told of an outage is told of its end": _told_of_outages,
}
