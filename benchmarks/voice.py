"""The chat voice: when it speaks and falls silent over a model behind real HTTP, and what it costs."""

from __future__ import annotations

from benchmarks.measuring import Report
from benchmarks.voice_cost import cost
from benchmarks.voice_timing import timing

__all__ = ["run"]


def run(*, small: bool = False) -> Report:
    """Measure. `small` is for the test that this still works."""
    return Report(
        "voice",
        "the chat voice, between a person who types and a model behind real HTTP",
        (*timing(small=small), *cost(small=small)),
        (
            (
                "The model is a ModelServer in a process of its own, which streams a token every 25 ms. Model, driver,"
                " session and client are the real ones, on the system clock."
            ),
            (
                "The person's end is what the session takes for it: Enter, or 600 ms of quiet behind a sentence's end."
                " A bar stands where the model is quicker than that pause and an answer may be begun early."
            ),
            (
                "While a task is open the guard judges each sentence whole, so that it can withhold it: the first words"
                " then wait for the end of the first sentence."
            ),
            "Requests begun for nothing, the prompt and memory are measured in virtual time, without a server.",
        ),
    )
