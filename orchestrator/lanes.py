"""What happened in a conversation as lanes beside each other: what a person needs to see to judge the timing.

A pure reading of journal records. Each item has a lane, a beginning and an end in milliseconds of session time, words,
and where the journal has one, a reason. `fates` says of every result when it came, when it was told and how it ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal, get_args

import msgspec

from orchestrator.clock import to_ms
from orchestrator.decisions import Drop, Hold, Splice
from orchestrator.effects import Amend, Cancel, Close, Delegate, Emit, LedgerChanged, StepModel, StopSpeaking
from orchestrator.events import (
    BusDown,
    BusUp,
    ModelFailed,
    ModelRested,
    ModelSpoke,
    UserActivity,
    UserAudio,
    UserFinished,
    UserFrame,
    UserLeft,
    UserText,
)
from orchestrator.finding import Finding
from orchestrator.journal import Record

__all__ = ["LANES", "Fate", "Item", "Lane", "Picture", "picture"]

Lane = Literal["person", "planned", "said", "decisions", "findings", "tasks", "tools"]
LANES: Final[tuple[Lane, ...]] = get_args(Lane)

_BURST_MS: Final = 1_000
"""After so long without a key, a line goes on as an item of its own."""
_ENDED: Final = ("done", "failed", "cancelled", "superseded")
_OVER: Final = ("heard", "acknowledged", "superseded", "expired", "cancelled", "dropped")
_CUT: Final = "its delivery was cut"


class Item(msgspec.Struct, omit_defaults=True):
    """Something in a lane."""

    lane: Lane
    kind: str
    """What it is, within its lane: `typed`, `telling`, `hold`, `owed`."""
    start_ms: int
    end_ms: int
    text: str = ""
    why: str = ""
    about: tuple[str, ...] = ()
    """The findings or the task it is about."""
    cut: str = ""
    """What was not heard, because the person began."""
    marks: list[int] = msgspec.field(default_factory=list[int])
    """Instants within it: the keys, the pieces of speech."""
    row: int = 0
    """Which row of its lane, so that nothing lies over anything else."""


class Fate(msgspec.Struct):
    """What became of one result."""

    id: str
    kind: str = ""
    text: str = ""
    arrived_ms: int = 0
    told_ms: int | None = None
    """The first word of it, or its card; `None`: never."""
    ended_ms: int | None = None
    state: str = "owed"
    style: str = ""
    """How it was told: `weave`, `say`, `interject` or `card`."""
    reason: str = ""
    """Of the decision that told it, or of its end without a word."""
    cuts: int = 0

    @property
    def delay_ms(self) -> int | None:
        """From its arrival to its first word."""
        return None if self.told_ms is None else self.told_ms - self.arrived_ms


class Picture(msgspec.Struct, frozen=True):
    """A conversation as lanes."""

    items: tuple[Item, ...]
    fates: tuple[Fate, ...]
    end_ms: int


def picture(records: Iterable[Record], *, pace: int | None = 60) -> Picture:
    """Draw the lanes of a journal. `pace` (characters a second) says how long words take that have no end of their
    own."""
    painter = _Painter(pace)
    for record in records:
        painter.take(to_ms(record.at), record)
    painter.finish()
    items = sorted(painter.items, key=lambda item: (item.start_ms, LANES.index(item.lane)))
    _place(items)
    return Picture(tuple(items), tuple(painter.fates.values()), painter.now)


class _Painter:
    """The lanes so far."""

    def __init__(self, pace: int | None) -> None:
        self.items: list[Item] = []
        self.fates: dict[str, Fate] = {}
        self.now: int = 0
        self._pace = pace
        self._typing: Item | None = None
        self._acting: Item | None = None
        self._planned: Item | None = None
        self._hold: Item | None = None
        self._saying: dict[int, Item] = {}
        self._tasks: dict[str, Item] = {}
        self._phases: dict[str, Item] = {}
        self._decided: dict[str, tuple[str, str]] = {}
        self._progress: dict[str, int] = {}
        """When each piece of progress came: it has a fate only where a policy tells it."""

    def take(self, at: int, record: Record) -> None:
        self.now = max(self.now, at)
        item = record.item
        match item:
            case UserText() | UserAudio() | UserActivity() | UserFrame() | UserFinished() | UserLeft():
                self._person(at, item)
            case ModelSpoke():
                self._plan(at, item)
            case ModelRested():
                self._planned = None
            case ModelFailed():
                self._add("planned", "failed", at, at, "the voice failed", item.reason)
            case Emit() | StopSpeaking():
                self._speech(at, item)
            case Hold() | Splice() | Drop():
                self._decision(at, item)
            case Finding():
                self._arrival(at, item)
            case LedgerChanged():
                self._ledger(at, item)
            case Delegate() | Amend() | Cancel():
                self._work(at, item)
            case BusDown():
                self._add("tasks", "away", at, at, "the hand-off is away", item.reason)
            case BusUp():
                self._add("tasks", "back", at, at, "the hand-off is back")
            case StepModel():
                for offer in item.turn.offers:
                    fate = self._fate(offer.finding.id, at)
                    fate.kind, fate.text = offer.finding.kind, offer.finding.text
            case Close():
                self._add("person", "close", at, at, "the end", item.reason)
            case _:
                pass

    def finish(self) -> None:
        """Everything that is still open goes on to the end."""
        for open_items in (self._saying, self._tasks, self._phases):
            for item in open_items.values():
                item.end_ms = max(self.now, item.end_ms)
        for last in (self._hold, self._acting):
            if last is not None:
                last.end_ms = self.now
        self.now = max([self.now, *(item.end_ms for item in self.items if item.lane in ("said", "person"))])

    def _add(
        self,
        lane: Lane,
        kind: str,
        start: int,
        end: int,
        text: str = "",
        why: str = "",
        about: tuple[str, ...] = (),
    ) -> Item:
        item = Item(lane, kind, start, end, text, why, about)
        self.items.append(item)
        return item

    def _takes(self, text: str) -> int:
        """How long it takes to say `text`, in milliseconds."""
        return len(text) * 1_000 // self._pace if self._pace else 0

    # --- the person --------------------------------------------------------------------------------------------------

    def _person(
        self, at: int, event: UserText | UserAudio | UserActivity | UserFrame | UserFinished | UserLeft
    ) -> None:
        match event:
            case UserText():
                self._key(at, event)
            case UserAudio():
                self._add("person", "spoke", at, at, event.transcript, "" if event.final else "not finished")
            case UserActivity():
                if self._acting is not None:
                    self._acting.end_ms = at
                    self._acting = None
                if event.kind in ("typing", "speaking"):
                    self._acting = self._add("person", event.kind, at, at, event.kind)
                else:
                    self._add("person", event.kind, at, at, "a breath" if event.kind == "pause" else "silent")
            case UserFrame():
                self._add("person", "frame", at, at, event.caption or event.ref)
            case UserFinished():
                self._add("person", "finished", at, at, "has no more to say")
            case UserLeft():
                self._add("person", "left", at, at, "left", event.reason)

    def _key(self, at: int, event: UserText) -> None:
        line = self._typing
        if line is None or at - line.end_ms > _BURST_MS:
            line = self._typing = self._add("person", "typed", at, at)
        line.end_ms = at
        line.marks.append(at)
        if event.op == "insert":
            line.text += event.text
        elif line.text.endswith(event.text):
            line.text = line.text[: len(line.text) - len(event.text)]
            line.why = f"{line.why}; took back: {event.text}" if line.why else f"took back: {event.text}"
        else:
            line.text += f" (took back: {event.text})"
        if event.final:
            line.kind, self._typing = "sent", None

    # --- the assistant -----------------------------------------------------------------------------------------------

    def _plan(self, at: int, event: ModelSpoke) -> None:
        plan = self._planned
        if plan is None or plan.about != event.about:
            kind = "telling" if event.about else "answer"
            plan = self._planned = self._add("planned", kind, at, at, "", event.overlap, event.about)
        plan.text += event.text
        plan.end_ms = max(plan.start_ms + self._takes(plan.text), at)

    def _speech(self, at: int, effect: Emit | StopSpeaking) -> None:
        if isinstance(effect, StopSpeaking):
            for begun in self._saying.values():
                begun.end_ms, begun.cut, begun.why = at, effect.flushed or " ", effect.reason
            self._saying.clear()
            return
        for finding in effect.about:
            fate = self._fate(finding, at)
            if fate.told_ms is None:
                fate.told_ms = at
                fate.style, fate.reason = self._decided.get(finding, ("", effect.reason))
            if effect.style == "card":
                fate.style, fate.reason = "card", effect.reason
        if effect.style == "card":
            self._add("said", "card", at, at, effect.text, effect.reason, effect.about)
            return
        said = self._saying.get(effect.utterance)
        if said is None:
            if not effect.text:
                return
            kind = "telling" if effect.about else "speech"
            said = self._add("said", kind, at, at, "", effect.reason, effect.about)
            self._saying[effect.utterance] = said
        if effect.text:
            said.text += effect.text
            said.marks.append(at)
            said.end_ms = at + min(self._takes(effect.text), 1_000)
        if effect.ends:
            del self._saying[effect.utterance]

    def _decision(self, at: int, decision: Hold | Splice | Drop) -> None:
        if self._hold is not None and not isinstance(decision, Drop):
            self._hold.end_ms, self._hold = at, None
        match decision:
            case Hold():
                self._hold = self._add("decisions", "hold", at, at, "", decision.reason, decision.findings)
            case Splice():
                self._add("decisions", "splice", at, at, decision.style, decision.reason, decision.findings)
                for finding in decision.findings:
                    self._decided[finding] = (decision.style, decision.reason)
            case Drop():
                self._add("decisions", "drop", at, at, decision.state, decision.reason, decision.findings)

    # --- the background ----------------------------------------------------------------------------------------------

    def _fate(self, finding: str, at: int) -> Fate:
        if finding not in self.fates:
            self.fates[finding] = Fate(finding, arrived_ms=self._progress.get(finding, at))
        return self.fates[finding]

    def _arrival(self, at: int, finding: Finding) -> None:
        if finding.kind == "progress":
            self._progress[finding.id] = at
            self._add("tools", "progress", at, at, finding.text, "", (finding.delegation,))
            return
        if finding.id not in self.fates:
            fate = self._fate(finding.id, at)
            fate.kind, fate.text, fate.state = finding.kind, finding.text, "arrived"
            if finding.channel == "thinking":
                fate.reason = "for the voice only: not to be spoken"

    def _ledger(self, at: int, change: LedgerChanged) -> None:
        if change.delegation:
            task = self._tasks.get(change.delegation)
            if task is not None and change.state in _ENDED:
                task.kind, task.end_ms, task.why = change.state, at, change.reason
                del self._tasks[change.delegation]
            return
        before = self._phases.pop(change.finding, None)
        if before is not None:
            before.end_ms = at
        if change.finding in self._progress and change.finding not in self.fates:
            return
        fate = self._fate(change.finding, at)
        fate.state = change.state
        fate.cuts += change.state == "owed" and change.reason.startswith(_CUT)
        phase = self._add("findings", change.state, at, at, fate.text, change.reason, (change.finding,))
        if change.state in _OVER:
            fate.ended_ms = at
            fate.reason = fate.reason or change.reason
        else:
            self._phases[change.finding] = phase

    def _work(self, at: int, effect: Delegate | Amend | Cancel) -> None:
        match effect:
            case Delegate():
                why = f"in place of {effect.supersedes}" if effect.supersedes else ""
                self._tasks[effect.id] = self._add("tasks", "running", at, at, effect.task, why, (effect.id,))
            case Amend():
                if effect.text:
                    self._add("tools", "amended", at, at, effect.text, "a correction", (effect.delegation,))
            case Cancel():
                self._add("tools", "cancelled", at, at, "called off", effect.reason, (effect.delegation,))


def _place(items: Sequence[Item]) -> None:
    """Give each item a row of its lane in which nothing else is; what is about one finding stays in one row."""
    free: dict[Lane, list[int]] = {lane: [] for lane in LANES}
    rows: dict[tuple[str, ...], int] = {}
    last = {item.about: item.end_ms for item in items if item.lane == "findings"}
    for item in items:
        ends = free[item.lane]
        if item.lane == "findings" and item.about in rows:
            item.row = rows[item.about]
            continue
        width = last[item.about] if item.lane == "findings" else item.end_ms
        item.row = next((row for row, end in enumerate(ends) if end <= item.start_ms), len(ends))
        ends[item.row : item.row + 1] = [max(width, item.start_ms + 1)]
        rows[item.about] = item.row if item.lane == "findings" else rows.get(item.about, 0)
