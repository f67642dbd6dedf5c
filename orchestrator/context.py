"""The shared conversation: append-only, typed, numbered.

Each entry has its instant, its micro-turn and its revision. Because nothing is ever changed, a revision alone names a
frozen view: a bundle that is built late still holds exactly what stood there when the task was handed over.
Audio and video stand here as transcript and reference, never as bytes.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from orchestrator.agenda_items import AgendaItem
from orchestrator.clock import Instant, to_ms
from orchestrator.finding import Finding

__all__ = [
    "Assigned",
    "Context",
    "Deleted",
    "Entry",
    "Found",
    "Interrupted",
    "Noticed",
    "Said",
    "Saw",
    "Scheduled",
    "Settled",
    "Spoke",
    "Unscheduled",
    "what_was_said",
]


class _Entry(msgspec.Struct, frozen=True, tag_field="type", omit_defaults=True):
    at_ms: int = 0
    n: int = 0
    revision: int = 0


class Said(_Entry, frozen=True, tag="said"):
    """What the person said. `continues` when it goes on from the entry before without an Enter between."""

    text: str = ""
    continues: bool = False
    backchannel: bool = False
    ref: str = ""
    """For speech: where the audio is kept."""


class Deleted(_Entry, frozen=True, tag="deleted"):
    """What the person took back after it had been heard."""

    text: str = ""


class Saw(_Entry, frozen=True, tag="saw"):
    """A camera or screen frame: its reference and, where there is one, its caption."""

    ref: str = ""
    caption: str = ""


class Spoke(_Entry, frozen=True, tag="spoke"):
    """What the assistant said in one utterance, as far as the person heard it. `cut` holds what they did not hear."""

    text: str = ""
    about: tuple[str, ...] = ()
    cut: str = ""


class Assigned(_Entry, frozen=True, tag="assigned"):
    """A task was handed to the background, amended or cancelled. `action` says which."""

    delegation: str = ""
    task: str = ""
    action: Literal["delegated", "amended", "cancelled", "superseded"] = "delegated"


class Found(_Entry, frozen=True, tag="found"):
    """A finding arrived."""

    finding: Finding | None = None


class Settled(_Entry, frozen=True, tag="settled"):
    """A finding left the ledger: heard, acknowledged, superseded, expired, cancelled or dropped."""

    finding: str = ""
    state: str = ""
    reason: str = ""


class Scheduled(_Entry, frozen=True, tag="scheduled"):
    """Something was put on the agenda."""

    item: AgendaItem | None = None


class Unscheduled(_Entry, frozen=True, tag="unscheduled"):
    """An item was taken off the agenda; an empty `item` means all of them."""

    item: str = ""


class Noticed(_Entry, frozen=True, tag="noticed"):
    """Something both sides should know: a cue fired, the bus is away, nobody works."""

    text: str = ""


class Interrupted(_Entry, frozen=True, tag="interrupted"):
    """The person began while the assistant spoke; the `Spoke` before this entry holds what was heard of it."""

    by: str = ""


Entry = Said | Deleted | Saw | Spoke | Assigned | Found | Settled | Scheduled | Unscheduled | Noticed | Interrupted


class Context(msgspec.Struct):
    """The conversation of one session. Owned and written by the session alone; others get `view()`."""

    entries: list[Entry] = msgspec.field(default_factory=list[Entry])

    @property
    def revision(self) -> int:
        """How many entries there are; also the number of the last one."""
        return len(self.entries)

    def append(self, entry: Entry, *, now: Instant, n: int) -> int:
        """Add an entry, stamped with instant, micro-turn and revision. Returns the new revision."""
        revision = len(self.entries) + 1
        self.entries.append(msgspec.structs.replace(entry, at_ms=to_ms(now), n=n, revision=revision))
        return revision

    def view(self, since: int = 0, until: int | None = None) -> tuple[Entry, ...]:
        """The entries after revision `since` up to and with `until` (default: the last)."""
        return tuple(self.entries[since:until])


def what_was_said(entries: tuple[Entry, ...]) -> str:
    """The person's words in `entries`, in order, one utterance a line; a continuation joins its beginning, and what was
    taken back is gone."""
    lines: list[str] = []
    for entry in entries:
        if isinstance(entry, Deleted) and lines:
            lines[-1] = lines[-1].removesuffix(entry.text)
        elif isinstance(entry, Said) and not entry.backchannel:
            if entry.continues and lines:
                lines[-1] += entry.text
            else:
                lines.append(entry.text)
    return "\n".join(lines)
