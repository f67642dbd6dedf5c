"""The plan: which calls a task comes to. Pure: the same task, tools and conversation give the same plan.

Nothing here understands language. A task is cut where an order or a question begins, each part goes to the tool whose
words and shape fit it best, and the tool's parameters are filled by its schema. What cannot be filled is left open, to
be asked for; what fits no tool is said so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from background.models.choosing import Kit
from background.models.clauses import candidates, is_order, opens_clause, polite_free, searched_for
from background.models.filling import fill, fill_from_past
from background.models.moments import elsewhere
from background.models.referring import (
    earlier_number,
    earlier_words,
    from_result,
    last_topic,
    picked_place,
    refers_back,
)
from background.models.slots import NOTHING, Slot, slots_of
from background.models.words import bag, words
from orchestrator.context import Entry
from orchestrator.ports import Result, ToolCall, ToolInfo

__all__ = ["LONGEST_TASK", "Plan", "Step", "answered", "completed", "plan"]

LONGEST_TASK: Final = 2_000
"""Characters of a task that are read. Planning runs on the event loop, so its time is bounded, whatever comes in."""

MOST_LINES: Final = 50
"""How many of the newest lines of the conversation are searched for what a task leaves out."""

_POINTER: Final = bag("the it that this them those these one ones first second third last same file document")


class Step(msgspec.Struct, frozen=True):
    """One call, as far as it is known."""

    tool: str
    task: str
    """The part of the task that it is for."""
    arguments: Mapping[str, Any] = {}
    missing: tuple[Slot, ...] = ()
    after: int | None = None
    """The step whose result fills `missing`; `None` where the step can start at once."""
    assumed: tuple[str, ...] = ()
    """Arguments taken from the conversation; they are told, so that a wrong guess can be corrected."""

    @property
    def call(self) -> ToolCall:
        """The call; only when nothing is missing."""
        return ToolCall(self.tool, self.arguments)


class Plan(msgspec.Struct, frozen=True):
    """The steps of a task, and the parts of it that no tool fits."""

    steps: tuple[Step, ...] = ()
    unmatched: tuple[str, ...] = ()


def plan(task: str, tools: Sequence[ToolInfo], *, context: Sequence[Entry] = (), single: bool = False) -> Plan:
    """Plan `task` with `tools`. `single`: the one tool there is has been chosen by whoever handed the task over.

    `context` supplies what the task leaves out ("read it", "and to Nice?").
    """
    task = task[:LONGEST_TASK]
    kit = Kit(tools)
    if single and len(tools) == 1:
        return Plan((_step(task, tools[0], kit, context, ()),))
    steps: list[Step] = []
    unmatched: list[str] = []
    for clause in _clauses(task, kit):
        choice = kit.choose(clause)
        if choice is None:
            unmatched.append(polite_free(clause))
        else:
            step = _step(clause, choice.info, kit, context, steps)
            if step not in steps:
                steps.append(step)
    return Plan(tuple(steps), tuple(unmatched))


def completed(step: Step, before: Result) -> Step:
    """`step` with what it waits for taken from the result before it, as far as that has it."""
    found = {slot.name: from_result(slot, step.task, before.text, before.sources) for slot in step.missing}
    return _with(msgspec.structs.replace(step, after=None), found)


def answered(step: Step, values: Mapping[str, Any]) -> Step:
    """`step` with what the person said to our questions."""
    return _with(step, values)


def _with(step: Step, values: Mapping[str, Any]) -> Step:
    real = {name: value for name, value in values.items() if value is not NOTHING}
    return msgspec.structs.replace(
        step,
        arguments={**step.arguments, **real},
        missing=tuple(slot for slot in step.missing if slot.name not in real),
    )


def _clauses(task: str, kit: Kit) -> list[str]:
    """Cut where something of its own begins, and only there: "salt and pepper" is one thing to look for."""
    if elsewhere(task) is not None:
        return [task]  # "when it is 3pm in Tokyo, what time is it in London?" asks once
    clauses: list[str] = []
    begun = 0
    for start, end in candidates(task):
        left, right = task[begun:start], task[end:]
        if start < begun or not left.strip() or not opens_clause(right):
            continue
        nearest = next((first for first, last in candidates(task) if first >= end and opens_clause(task[last:])), None)
        # An order stands by itself even when no tool fits it (then that is said); a question only when one does.
        fits = kit.choose(task[end:nearest]) is not None
        if kit.choose(left) is not None and (fits or is_order(right)):
            clauses.append(left)
            begun = end
    return [*clauses, task[begun:]]


def _step(clause: str, info: ToolInfo, kit: Kit, context: Sequence[Entry], before: Sequence[Step]) -> Step:
    filling = fill(clause, slots_of(info), kit.vocabulary(info.name))
    arguments = dict(filling.arguments)
    missing = list(filling.missing)
    pointing = refers_back(clause)
    if pointing:
        # "search for it": what was filled with a bare pointer is not filled.
        for slot in slots_of(info):
            value = arguments.get(slot.name)
            if slot.kind == "text" and isinstance(value, str) and set(words(value)) <= _POINTER:
                del arguments[slot.name]
                missing += [slot] if slot.required else []
    step = Step(info.name, polite_free(clause), arguments, tuple(missing))
    if not missing:
        return step
    if pointing and before:
        return msgspec.structs.replace(step, after=len(before) - 1)
    assumed = _from_context(step, context, pointing)
    return msgspec.structs.replace(_with(step, assumed), assumed=tuple(assumed))


def _from_context(step: Step, context: Sequence[Entry], pointing: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    open_slots = list(step.missing)
    for slot in step.missing if pointing else ():
        if slot.role == "path":
            found[slot.name] = picked_place(context, step.task)
        elif slot.kind in ("number", "integer"):
            found[slot.name] = earlier_number(slot, context)
        elif slot.role == "query":
            found[slot.name] = last_topic(context, step.task) or NOTHING
    found = {name: value for name, value in found.items() if value is not NOTHING}
    for line in earlier_words(context)[:MOST_LINES]:
        left = [slot for slot in open_slots if slot.name not in found]
        if not left:
            break
        if _same(line[:LONGEST_TASK], step.task):
            continue
        found |= fill_from_past(line[:LONGEST_TASK], left)
    return found


def _same(line: str, task: str) -> bool:
    return re.sub(r"\W+", "", line).lower() == re.sub(r"\W+", "", task).lower() or not searched_for(line)
