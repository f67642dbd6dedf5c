"""Taking the turn (Full-Duplex-Bench v1): pauses, ends of turns, and interruptions.

As in `eval_pause_handling.py`, `eval_smooth_turn_taking.py` and `eval_user_interruption.py` of
github.com/DanielLin94144/Full-Duplex-Bench (arXiv 2503.04721): a takeover is 0 where nothing was said, or what was said
lasted under 1 s and had at most 3 words; else 1. The latency is from the person's end to the first word, at least 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from orchestrator.bench.tasks.record import Record, Word
from orchestrator.bench.tasks.scores.marks import Marks, holds_any, repeated

__all__ = ["InterruptedTurn", "PausedTurn", "TakenTurn", "score_interruption", "score_pauses", "score_turn", "takeover"]

_SHORT_MS: Final = 1_000
_FEW_WORDS: Final = 3


class PausedTurn(msgspec.Struct, frozen=True, tag=True):
    """The person speaks from `start_ms` to `end_ms` with pauses in between: nobody should take the turn before."""

    start_ms: int
    end_ms: int
    wait_ms: int
    """How long after the end an answer may come: waiting for ever handles every pause."""


class TakenTurn(msgspec.Struct, frozen=True, tag=True):
    """The person's turn ends at `end_ms`, and the assistant should take the next."""

    start_ms: int
    end_ms: int
    wait_ms: int


class InterruptedTurn(msgspec.Struct, frozen=True, tag=True):
    """The person speaks into the assistant's turn, and what they say wants an answer with one of `answers` in it."""

    start_ms: int
    end_ms: int
    wait_ms: int
    answers: tuple[str, ...]


def takeover(words: Sequence[Word]) -> bool:
    """Whether what was said takes the turn."""
    if not words:
        return False
    lasted = max(word.end_ms for word in words) - min(word.start_ms for word in words)
    return not (lasted < _SHORT_MS and len(words) <= _FEW_WORDS)


def score_pauses(truth: PausedTurn, record: Record) -> Marks:
    """`takeover` before the end; whether it was `answered` after it, and how long the person waited (`latency_s`)."""
    before = [word for word in record.words if truth.start_ms <= word.start_ms < truth.end_ms]
    answer = [word for word in record.words if truth.end_ms <= word.start_ms <= truth.end_ms + truth.wait_ms]
    taken = takeover(before)
    return {
        "takeover": float(taken),
        "answered": float(not taken and takeover(answer)),
        "latency_s": (answer[0].start_ms - truth.end_ms) / 1_000 if not taken and takeover(answer) else None,
        "duplicates": float(repeated(record.assistant)),
    }


def score_turn(truth: TakenTurn, record: Record) -> Marks:
    """`takeover` after the turn, and its `latency_s`, which is clipped at 0 where it began before the end."""
    words = [word for word in record.words if truth.start_ms <= word.start_ms <= truth.end_ms + truth.wait_ms]
    taken = takeover(words)
    return {
        "takeover": float(taken),
        "early": float(bool(words) and words[0].start_ms < truth.end_ms),
        "latency_s": max(0, words[0].start_ms - truth.end_ms) / 1_000 if taken else None,
        "duplicates": float(repeated(record.assistant)),
    }


def score_interruption(truth: InterruptedTurn, record: Record) -> Marks:
    """`takeover` and `latency_s` after the interruption, and whether what was said then `answers` it.

    Speech that was under way when the person began does not count: the answer is what begins after their first word.
    """
    later = [saying for saying in record.assistant if truth.start_ms < saying.start_ms <= truth.end_ms + truth.wait_ms]
    words = sorted((word for saying in later for word in saying.words), key=lambda word: word.start_ms)
    taken = takeover(words)
    return {
        "takeover": float(taken),
        "answers": float(taken and any(holds_any(saying.text, truth.answers) for saying in later)),
        "latency_s": max(0, words[0].start_ms - truth.end_ms) / 1_000 if taken else None,
        "duplicates": float(repeated(record.assistant)),
    }
