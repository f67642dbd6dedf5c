"""Whether text that nobody vouches for has entered a task. From then on what has effects needs a person's word."""

from __future__ import annotations

__all__ = ["Taint"]


class Taint:
    """Of one task. Never ends: what a model has read, it has read."""

    def __init__(self, *, there: bool = False) -> None:
        self.there: bool = there

    def enter(self) -> None:
        """Such text comes in now."""
        self.there = True
