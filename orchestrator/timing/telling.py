"""The good moment has come: how it is told."""

from __future__ import annotations

import msgspec

from orchestrator.decisions import Decision, Splice, Style
from orchestrator.timing.moment import Moment, Pending, ids

__all__ = ["Speak"]


class Speak(msgspec.Struct, frozen=True, tag=True):
    """Now, all together; verbatim where the voice was given a finding `trust` times and said nothing, or where the
    person began `tries` times before the voice had its first word: what needs no phrasing is there in the gap."""

    style: Style = "weave"
    reason: str = "a good moment: nobody is speaking"
    trust: int = 2
    tries: int = 3

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        mute = tuple(item for item in pending if item.unspoken >= self.trust)
        if mute:
            return Splice(ids(mute), "the voice was given it and said nothing: read out as it is", "say")
        late = tuple(item for item in pending if item.taken >= self.tries)
        if late and self.style == "weave":
            return Splice(ids(late), "the person was quicker than the voice each time: read out as it is", "say")
        return Splice(ids(pending), self.reason, self.style)
