"""From an edited line to what was typed and taken back."""

from __future__ import annotations

from orchestrator.events import UserText

__all__ = ["typed"]


def typed(before: str, after: str) -> tuple[UserText, ...]:
    """What the person did to turn `before` into `after`, as a listener hears it.

    Text is heard from left to right, so that an edit in the middle is told as taking everything back to there and
    typing the rest again.

    >>> [(event.op, event.text) for event in typed("to Rome now", "to Lyon now")]
    [('delete', 'Rome now'), ('insert', 'Lyon now')]
    """
    kept = 0
    for was, now in zip(before, after, strict=False):
        if was != now:
            break
        kept += 1
    events: list[UserText] = []
    if before[kept:]:
        events.append(UserText(before[kept:], op="delete"))
    if after[kept:]:
        events.append(UserText(after[kept:]))
    return tuple(events)
