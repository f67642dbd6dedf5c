"""One micro-turn of the brain: what it was told, what it remembers, and what it makes of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from interaction.models.reflex_memory import Issued, Memory
from orchestrator.effects import MicroTurn, Work
from orchestrator.events import ModelDelegated, ModelEvent, ModelRested, ModelSpoke

__all__ = [
    "OPEN",
    "Round",
    "change_unsent",
    "delegate",
    "give_up",
    "handed_over_now",
    "open_work",
    "outdate",
    "task_of",
    "withdraw_unsent",
]

OPEN: Final = frozenset({"offered", "queued", "running"})
_OVERLAP: Final = "acknowledges while the person still types"
_SHORT_WORDS: Final = 6


class Round:
    """Collects the events of one micro-turn. `typing`: the person goes on typing behind what was just understood.

    `over` holds the delegations that this very turn has called off or replaced.
    """

    def __init__(self, memory: Memory, turn: MicroTurn, *, filler: bool) -> None:
        self.memory = memory
        self.turn = turn
        self.typing = False
        self.events: list[ModelEvent] = []
        self._filler = filler
        self._settled: dict[str, None] = {}
        self.over: set[str] = set()

    # --- saying ------------------------------------------------------------------------------------------------------

    def say(self, text: str, about: tuple[str, ...] = ()) -> None:
        """An answer or findings: waits for the floor."""
        if text:
            self.memory.said(self._speak(ModelSpoke(text, about)), about)

    def confirm(self, text: str) -> None:
        """A short word that something is done; said also while the person goes on typing, if it is short enough."""
        overlap = _OVERLAP if self.typing and len(text.split()) <= _SHORT_WORDS else ""
        self._speak(ModelSpoke(text, overlap=overlap))

    def acknowledge(self, text: str) -> None:
        """A short word that something was taken in. It is filler: the person may have turned it off."""
        self.memory.acks += 1
        if not self._filler or (self.typing and any(isinstance(event, ModelSpoke) for event in self.events)):
            return  # one word over the person's typing is enough
        self.confirm(text)

    def _speak(self, spoke: ModelSpoke) -> str:
        """Pieces of one turn are one utterance to the session, put together as they come: so they are joined here."""
        for index, event in enumerate(self.events):
            if isinstance(event, ModelSpoke) and (event.about, event.overlap) == (spoke.about, spoke.overlap):
                joined = f"{event.text} {spoke.text}"
                self.events[index] = ModelSpoke(joined, spoke.about, spoke.overlap)
                return joined
        self.events.append(spoke)
        return spoke.text

    # --- findings that need no words ----------------------------------------------------------------------------------

    def settle(self, findings: Iterable[str]) -> None:
        """These findings need no words."""
        self._settled.update(dict.fromkeys(findings))

    def settled(self, finding: str) -> bool:
        """Whether this finding is not to be said."""
        return finding in self._settled

    def close(self) -> tuple[ModelEvent, ...]:
        """The events of the turn."""
        return (*self.events, ModelRested(self.turn.n, tuple(self._settled)))


# --- the work ---------------------------------------------------------------------------------------------------------


def open_work(talk: Round) -> list[Work]:
    """What runs, newest first, without what this very turn called off."""
    return [work for work in reversed(talk.turn.work) if work.state in OPEN and work.delegation not in talk.over]


def task_of(talk: Round, work: Work) -> str:
    """The task as it reads after corrections."""
    return talk.memory.tasks.get(work.delegation, work.task)


def delegate(talk: Round, event: ModelDelegated, utterance: int) -> Issued:
    """Hand a task over."""
    tool = event.tools[0] if event.tools else ""
    issued = Issued(event.task, tool, utterance, talk.turn.n)
    talk.memory.issued.append(issued)
    talk.memory.last_acted = "work"
    talk.events.append(event)
    if event.supersedes:
        give_up(talk, event.supersedes)
    return issued


def handed_over_now(talk: Round) -> list[Issued]:
    """What was handed over in this turn and may still be put right before anybody has seen it; newest first."""
    return [item for item in reversed(talk.memory.issued) if not item.delegation and item.turn == talk.turn.n]


def change_unsent(talk: Round, issued: Issued, task: str, tool: str) -> None:
    """Put a task right that has not left yet."""
    for index, event in enumerate(talk.events):
        if isinstance(event, ModelDelegated) and event.task == issued.task:
            tools = (tool,) if tool else ()
            talk.events[index] = ModelDelegated(task, tools, event.pool, event.supersedes, event.urgency)
    issued.task, issued.tool = task, tool


def withdraw_unsent(talk: Round, issued: Issued) -> None:
    """Take back a task that has not left yet."""
    talk.events = [
        event for event in talk.events if not (isinstance(event, ModelDelegated) and event.task == issued.task)
    ]
    talk.memory.issued.remove(issued)


def give_up(talk: Round, delegation: str) -> None:
    """Nothing of this delegation is to be said any more."""
    talk.over.add(delegation)
    outdate(talk, delegation)


def outdate(talk: Round, delegation: str) -> None:
    """What this delegation has found up to now answers something that is no longer asked."""
    talk.settle(offer.finding.id for offer in talk.turn.offers if offer.finding.delegation == delegation)
