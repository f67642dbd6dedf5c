"""Sentences of an answer that is still being written: what of it may be told already."""

from __future__ import annotations

import re
from typing import Final

from background.models.chat_sources import without_marks

__all__ = ["Growth", "whole_sentences"]

_END: Final = re.compile(r"""(?:[.!?…]+["'”’)\]]*(?=\s+\S)|[\u3002\uff01\uff1f]+[」』”]?(?=\s*\S)|\n(?=\s*\S))""")
_SHORT: Final = re.compile(
    r"(?:^|[\s(\"'])(?:[A-Za-z]|\d+|Dr|Mr|Mrs|Ms|Prof|St|Nr|vs|etc|approx|ca|bzw|z\.B|d\.h|e\.g|i\.e|u\.a|Jan|Feb|Aug|"
    r"Sept|Oct|Nov|Dec)\.$"
)
"""What ends with a dot and seldom ends a sentence."""
_ANNOUNCES: Final = re.compile(
    r"\b(?:let me|let's|i'll|i will|i'm going to|i am going to|i need to|i should|i'd like to|first,? i|now i|next,? i|"
    r"searching|looking up|checking)\b",
    re.IGNORECASE,
)


def whole_sentences(text: str) -> tuple[str, int]:
    """The sentences that are whole, and how many: those after which the next one has begun.

    >>> whole_sentences("It costs 3.50 at Dr. Li's. It is open. And it")
    ("It costs 3.50 at Dr. Li's. It is open.", 2)
    """
    end, count = 0, 0
    for match in _END.finditer(text):
        if match.group().startswith(".") and _SHORT.search(text, end, match.end()):
            continue
        end, count = match.end(), count + 1
    return text[:end].rstrip(), count


class Growth:
    """What has been told of an answer while it is written. Each part holds all parts before it, and goes on.

    An answer of fewer than `first` characters or of up to two sentences has no parts, and its last sentence is in none:
    the final always has something left to tell.
    """

    def __init__(self, *, first: int, step: int) -> None:
        self._first = first
        self._step = step
        self.told: str = ""
        """The newest part."""

    def forget(self) -> None:
        """What was told was no part of the answer that comes now."""
        self.told = ""

    def part(self, written: str, *, calls_may_follow: bool) -> str:
        """What can be told now of what is `written`; empty when nothing new can.

        Where the model may still call functions, a text that announces what it is going to do is no answer.
        """
        text = written.lstrip()
        if len(text) < max(self._first, len(self.told) + self._step if self.told else 0):
            return ""
        if text.startswith(("{", "[{", "```")):
            return ""
        sentences, count = whole_sentences(text.partition("```")[0])
        if count < 2 or (calls_may_follow and _ANNOUNCES.search(text)):
            return ""
        spoken = without_marks(sentences)
        if not self.told or (spoken.startswith(self.told) and len(spoken) >= len(self.told) + self._step):
            self.told = spoken
            return spoken
        return ""
