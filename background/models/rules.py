"""The embedded reasoner: rules instead of a language model. Needs no key, is deterministic, knows English only.

It matches the words of a task with the tools there are, fills their parameters by schema, asks for what is missing,
follows corrections, and says plainly when none of its tools fits. It does not understand, and where that matters it
says so.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, Final

import anyio

from background.models.correcting import corrected, meant
from background.models.planning import LONGEST_TASK, Plan, Step, answered, completed, plan
from background.models.slots import NOTHING, Slot, fitted
from background.models.telling import Outcome, answer, beginning, nothing_fits, part
from orchestrator.bundle import Amendment, Bundle
from orchestrator.finding import Finding
from orchestrator.ports import Desk, Result

__all__ = ["RulesReasoner"]

ASK_TWICE: Final = 2
"""How often one question is put before the step is given up."""


class RulesReasoner:
    """Plans over whatever tools the desk has. Holds no state: one may serve any number of tasks at once.

    `partials`: whether the first of several results is told while the others are still awaited.
    """

    about = "Rule-based: it matches words with tools and has no language model."

    def __init__(self, *, partials: bool = True) -> None:
        self._partials = partials

    async def run(self, bundle: Bundle, desk: Desk) -> AsyncIterator[Finding]:
        """Work on the task until it is answered, through as many corrections as come."""
        work = _Work(bundle, desk, partials=self._partials)
        while True:
            finding = await work.attempt()
            if finding is not None:
                yield finding
                return


class _Work:
    """One task: what it says by now, and what has been found for it."""

    def __init__(self, bundle: Bundle, desk: Desk, *, partials: bool) -> None:
        self._desk = desk
        self._partials = partials
        self._task = bundle.task[:LONGEST_TASK]
        self._context = list(bundle.context)
        self._single = len(bundle.tools) == 1
        self._wanted = bundle.tools
        self._done: dict[str, Result] = {}
        self._said: dict[tuple[str, str], Any] = {}
        self._answers: list[str] = []

    async def attempt(self) -> Finding | None:
        """Plan and carry out; `None` when the person changed the task meanwhile. What is done already stays done."""
        await self._read()
        task = self._task
        current = self._plan(task)
        if not current.steps:
            return nothing_fits(task, self._desk.tools, self._wanted)
        finding: Finding | None = None
        async with anyio.create_task_group() as group:
            group.start_soon(self._watch, group.cancel_scope)
            finding = await self._carry_out(current)
            group.cancel_scope.cancel()
        # A correction may have come with the last result. An answer to the task as it was is no answer any more.
        return None if finding is None or self._task != task or await self._read() else finding

    async def _watch(self, work: anyio.CancelScope) -> None:
        while True:
            await self._desk.amended()
            if await self._read():
                work.cancel()
                return

    async def _read(self) -> bool:
        """Take in what was said. Whether it changes the task."""
        changed = False
        for amendment in self._desk.amendments():
            self._context.extend(amendment.entries)
            if amendment.question:
                continue  # leave that an earlier attempt had asked for: it is no value of anything
            if amendment.answers:
                # The answer to a question that an earlier attempt had asked before its worker died.
                self._answers.append(amendment.text)
            elif amendment.text:
                changed = await self._correct(amendment) or changed
        return changed

    async def _correct(self, amendment: Amendment) -> bool:
        said = amendment.text[:LONGEST_TASK]
        task, what = corrected(self._task, said), meant(said)
        if task == self._task or (not self._plan(task).steps and self._plan(self._task).steps):
            await self._desk.progress(f"I could not tell how “{said}” changes the task, so I go on with it.")
            return False
        self._task = task
        await self._desk.progress(f"Switching to {what}" if what else f"Now: {task}")
        return True

    def _plan(self, task: str) -> Plan:
        return plan(task, self._desk.tools, context=self._context, single=self._single)

    async def _carry_out(self, current: Plan) -> Finding:
        steps = list(current.steps)
        for place, step in enumerate(steps):
            if step.after is None and step.missing:
                steps[place] = await self._asked(step)
        outcomes: dict[int, Outcome] = {}
        finished = [anyio.Event() for _ in steps]

        async def follow(place: int) -> None:
            step = steps[place]
            if step.after is not None:
                await finished[step.after].wait()
                step = await self._after(step, outcomes[step.after].result)
            outcomes[place] = outcome = await self._one(step)
            finished[place].set()
            # The last one is told with the answer itself.
            if self._partials and outcome.result.ok and len(outcomes) < len(steps):
                await self._desk.publish(part(outcome))

        async with anyio.create_task_group() as group:
            for place in range(len(steps)):
                group.start_soon(follow, place)
        return answer([outcomes[place] for place in range(len(steps))], current.unmatched, self._desk.tools)

    async def _after(self, step: Step, before: Result) -> Step:
        """A step that builds on another, once that one has its result."""
        if not before.ok:
            return step
        step = completed(step, before)
        return await self._asked(step) if step.missing else step

    async def _one(self, step: Step) -> Outcome:
        if step.after is not None:
            return Outcome(step, Result("What it builds on did not work.", ok=False))
        if step.missing:
            return Outcome(step, Result(f"I still do not know the {step.missing[0].label}.", ok=False))
        key = json.dumps([step.tool, step.arguments], sort_keys=True, default=repr)
        if key not in self._done:
            assumed = [f"{name.replace('_', ' ')} {step.arguments[name]}" for name in step.assumed]
            note = f" (I take it that you mean {' and '.join(assumed)})" if assumed else ""
            await self._desk.progress(beginning(step) + note)
            (result,) = await self._desk.call(step.call)
            if not result.ok:
                return Outcome(step, result)
            self._done[key] = result
        return Outcome(step, self._done[key])

    async def _asked(self, step: Step) -> Step:
        """`step` with what it lacks asked for, one question after another: nobody answers three at once."""
        values: dict[str, Any] = {}
        for slot in step.missing:
            known = (step.tool, slot.name)
            if known not in self._said:
                value = await self._ask(slot)
                if value is NOTHING:
                    break
                self._said[known] = value
            values[slot.name] = self._said[known]
        return answered(step, values)

    async def _ask(self, slot: Slot) -> Any:
        if slot.kind == "other":
            return NOTHING  # a whole structure is nothing a person can be asked for
        for turn in range(ASK_TWICE):
            again = "" if turn == 0 else "I did not get that. "
            said = self._answers.pop(0) if self._answers else await self._desk.ask(again + slot.question)
            value = fitted(slot, _bare(said, slot))
            if value is not NOTHING:
                return value
        return NOTHING


def _bare(said: str, slot: Slot) -> str:
    """An answer without its "it's from ... please"."""
    text = meant(said) or said
    for lead in (f"the {slot.label} is ", f"{slot.label} ", "from ", "to ", "in ", "at ", "the "):
        if slot.kind in ("text", "choice") and text.lower().startswith(lead) and len(text) > len(lead):
            text = text[len(lead) :]
    return text
