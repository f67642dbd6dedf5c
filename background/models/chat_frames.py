"""Frames: what others have written reaches the model only between marks that they cannot know.

The mark is a number made anew for each task. Text that goes into a frame loses every occurrence of it, so that neither
a web page nor the person can end a frame, or begin one.
"""

from __future__ import annotations

import re

__all__ = ["Frames"]


class Frames:
    """The frames of one task. Pure: the same mark and text give the same frame."""

    def __init__(self, mark: str) -> None:
        self.mark: str = mark
        self._known = re.compile(re.escape(mark), re.IGNORECASE)

    def harmless(self, text: str) -> str:
        """`text` without anything that could pass for a frame of this task."""
        return self._known.sub("", text)

    def frame(self, kind: str, text: str) -> str:
        """`text` in a frame of a kind: one word."""
        return f"<{kind} {self.mark}>\n{self.harmless(text)}\n</{kind} {self.mark}>"
