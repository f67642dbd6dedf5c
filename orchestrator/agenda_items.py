"""What can stand on the agenda: speech that a time, a silence or a cue starts.

Items are data: the voice hands them over (`ModelScheduled`), `orchestrator.agenda` fires them on the grid. `say` is
spoken as it stands; `{count}` in it becomes the tally, `{heard}` the words that matched. `over_speech` lets an item
fire while the person holds the floor.
"""

from __future__ import annotations

import msgspec

__all__ = ["AfterSilence", "AgendaItem", "At", "Every", "OnCount", "OnCue"]


class _Item(msgspec.Struct, frozen=True, tag_field="type", omit_defaults=True, kw_only=True):
    id: str
    say: str
    over_speech: bool = False


class At(_Item, frozen=True, tag="at", kw_only=True):
    """Once, `in_ms` after it was scheduled."""

    in_ms: int


class Every(_Item, frozen=True, tag="every", kw_only=True):
    """Each `period_ms` (at least 200), first one period after it was scheduled; `times` limits it (0: no limit)."""

    period_ms: int
    times: int = 0
    for_ms: int | None = None
    """How long it goes on; `None`: until it is taken off."""


class AfterSilence(_Item, frozen=True, tag="after_silence", kw_only=True):
    """When neither side has said anything for `quiet_ms`; once, or again each time the person has said something."""

    quiet_ms: int
    once: bool = True


class OnCue(_Item, frozen=True, tag="on_cue", kw_only=True):
    """Whenever `phrase` is heard as whole words, case ignored. Fires at once, also while the person goes on."""

    phrase: str
    over_speech: bool = True


class OnCount(_Item, frozen=True, tag="on_count", kw_only=True):
    """Counts how often `phrase` is heard; speaks at each (`n` = 0), or at the n-th time only; `silent` only tallies."""

    phrase: str
    n: int = 0
    silent: bool = False
    over_speech: bool = True


AgendaItem = At | Every | AfterSilence | OnCue | OnCount
