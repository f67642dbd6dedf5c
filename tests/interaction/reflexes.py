"""What the tests of the rule-based voices share: tools, and a brain with the little of a session that it needs."""

from __future__ import annotations

from typing import Any

import msgspec

from interaction.models.reflex import ReflexBrain
from orchestrator.effects import Heard, MicroTurn, Offer, Work
from orchestrator.events import (
    DelegationState,
    ModelCancelled,
    ModelDelegated,
    ModelEvent,
    ModelRested,
    ModelScheduled,
    ModelSpoke,
    ModelUnscheduled,
)
from orchestrator.finding import Finding, Kind, Source
from orchestrator.ports import Opening, ToolInfo


def a_tool(name: str, description: str, *parameters: str) -> ToolInfo:
    return ToolInfo(
        name, description, {"type": "object", "properties": {name: {"type": "string"} for name in parameters}}
    )


TOOLS = (
    a_tool("trains", "Find the next trains.", "start", "end"),
    a_tool("search_files", "Search the files under the root for a text.", "pattern"),
    a_tool("read_file", "Read a file.", "path"),
    a_tool("calculate", "Evaluate an arithmetic expression.", "expression"),
    a_tool("convert", "Convert between units.", "value", "unit"),
    a_tool("clock", "The current date and time.", "zone"),
)


class Talk:
    """A reflex brain in a conversation: work and agenda are kept as a session keeps them, time is an argument."""

    def __init__(
        self, tools: tuple[ToolInfo, ...] = TOOLS, *, filler: bool = True, pools: tuple[str, ...] = ()
    ) -> None:
        self.brain = ReflexBrain(Opening("s", tools, pools), filler=filler)
        self.work: dict[str, Work] = {}
        self.agenda: list[str] = []
        self.n = 0
        self.at_ms = 0

    def turn(self, **told: Any) -> tuple[ModelEvent, ...]:
        """One micro-turn, a second after the last one. Returns the events without the resting one, if it is empty."""
        self.n += 1
        self.at_ms += 1_000
        turn = MicroTurn(self.n, self.at_ms, work=tuple(self.work.values()), agenda=tuple(self.agenda), **told)
        *events, last = self.brain.turn(turn)
        assert isinstance(last, ModelRested)
        assert last.n == self.n
        for event in events:
            self._follow(event)
        return (*events, last) if last.acknowledged else tuple(events)

    def _follow(self, event: ModelEvent) -> None:
        match event:
            case ModelDelegated(task=task, tools=tools, supersedes=old):
                name = f"s-{len(self.work) + 1}"
                self.work[name] = Work(name, task, "running", self.at_ms, tools=tools)
                if old:
                    self.set(old, "superseded")
            case ModelCancelled(delegation=name):
                self.set(name, "cancelled")
            case ModelScheduled(item=item):
                self.agenda.append(item.id)
            case ModelUnscheduled(item=item_id):
                self.agenda = [other for other in self.agenda if item_id and other != item_id]
            case _:
                pass

    def set(self, name: str, state: DelegationState, progress: str = "") -> None:
        self.work[name] = msgspec.structs.replace(self.work[name], state=state, progress=progress)

    def enter(self, text: str, **told: Any) -> tuple[ModelEvent, ...]:
        """Type a line and press Enter."""
        return self.turn(heard=(Heard(text, final=True),), **told)

    def type(self, text: str, **told: Any) -> tuple[ModelEvent, ...]:
        return self.turn(heard=(Heard(text),), **told)

    def take_back(self, text: str) -> tuple[ModelEvent, ...]:
        return self.turn(heard=(Heard(text, op="delete"),))

    def quiet(self, ms: int) -> tuple[ModelEvent, ...]:
        return self.turn(quiet_ms=ms)

    def offer(
        self, name: str, text: str, kind: Kind = "final", *, said: str = "", source: str = "", seq: int = 1
    ) -> Offer:
        sources = (Source("", source),) if source else ()
        finding = Finding(text, kind, delegation=name, seq=seq, sources=sources)
        if finding.terminal:
            self.set(name, "done" if kind == "final" else "failed")
        return Offer(finding, self.work[name].task, said=said)


def said(events: tuple[ModelEvent, ...]) -> list[str]:
    """The words that were spoken."""
    return [event.text for event in events if isinstance(event, ModelSpoke)]


def tasks(events: tuple[ModelEvent, ...]) -> list[str]:
    """The tasks that were handed over."""
    return [event.task for event in events if isinstance(event, ModelDelegated)]
