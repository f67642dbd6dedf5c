"""From a journal to the neutral record: when each word of the assistant was heard.

What goes out is said at the session's pace, one piece after the other; `StopSpeaking` ends it there and then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from orchestrator.bench.tasks.record import Record, Saying, Stretch, Word
from orchestrator.clock import to_ms
from orchestrator.effects import Emit, StopSpeaking
from orchestrator.events import ModelFailed
from orchestrator.journal import Record as Line

__all__ = ["breaks", "transcribe"]

_WORD: Final = re.compile(r"\S+")


def transcribe(journal: Iterable[Line], person: tuple[Stretch, ...], *, until_ms: int, pace: int) -> Record:
    """The record of a conversation in which the assistant speaks `pace` characters a second. Cards are not speech."""
    said: dict[int, list[tuple[int, str]]] = {}
    free_ms = 0
    for line in journal:
        at_ms = to_ms(line.at)
        match line.item:
            case Emit(style="speech"):
                begin = max(at_ms, free_ms)
                letters = said.setdefault(line.item.utterance, [])
                letters += [(begin + index * 1_000 // pace, char) for index, char in enumerate(line.item.text)]
                free_ms = begin + len(line.item.text) * 1_000 // pace
            case StopSpeaking():
                for number, letters in said.items():
                    said[number] = [letter for letter in letters if letter[0] < at_ms]
                free_ms = at_ms
            case _:
                pass
    sayings = [_saying(letters, pace) for letters in said.values()]
    spoken = sorted((saying for saying in sayings if saying.words), key=lambda saying: saying.start_ms)
    return Record(person, tuple(spoken), until_ms)


def _saying(letters: list[tuple[int, str]], pace: int) -> Saying:
    text = "".join(char for _, char in letters)
    return Saying(
        tuple(
            Word(letters[found.start()][0], letters[found.end() - 1][0] + 1_000 // pace, found.group())
            for found in _WORD.finditer(text)
        )
    )


def breaks(journal: Iterable[Line]) -> int:
    """How often the voice broke."""
    return sum(isinstance(line.item, ModelFailed) for line in journal)
