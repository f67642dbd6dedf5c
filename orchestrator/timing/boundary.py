"""The assistant's own sentence: not cut in the middle, and not waited for to the end when it is long."""

from __future__ import annotations

import msgspec

from orchestrator.decisions import Decision, Hold, Splice
from orchestrator.timing.moment import Moment, Pending, ids

__all__ = ["AtBoundary"]


class AtBoundary(msgspec.Struct, frozen=True, tag=True):
    """Not in the middle of the assistant's own clause.

    With little left to say it finishes first; with more than `finish_chars` left, the result goes in at the next clause
    boundary. The delivery of another finding is never broken up. At the last `ahead_chars` of an answer the voice may
    phrase the result already: it is queued behind the answer, and no silence comes between the two.
    """

    finish_chars: int = 100
    ahead_chars: int = 0

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        if moment.delivering:
            return Hold("another result is being told", ids(pending))
        if not moment.remaining_chars:
            return None
        if moment.floor == "assistant" and moment.remaining_chars <= self.ahead_chars:
            return None
        if moment.remaining_chars <= self.finish_chars:
            return Hold("the assistant finishes its sentence", ids(pending))
        return Splice(ids(pending), "the assistant has more to say than can wait: at its next clause", "interject")
