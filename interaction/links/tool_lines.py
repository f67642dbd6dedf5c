"""What the person is told when the tools have changed while they talk."""

from __future__ import annotations

from typing import Final

from orchestrator.events import ToolsChanged

__all__ = ["tool_lines"]

_MOST: Final = 6
"""Names in one line; a server may come up with a hundred."""


def tool_lines(event: ToolsChanged) -> list[str]:
    """A line for each thing that is to be known; the names are a stranger's, and not yet printable."""
    told = (("new", event.added), ("changed", event.changed), ("gone", event.removed))
    parts = [f"{what}: {_listed(names)}" for what, names in (*told, ("read again", event.read_again)) if names]
    lines = ["; ".join(parts)] if parts else []
    if event.problem:
        return [*lines, event.problem]
    return lines or ["all is well again"]


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return f"{', '.join(names[:_MOST])}{more}"
