"""The person's turn is theirs: waiting for a gap that is longer than their own pauses."""

from __future__ import annotations

import msgspec

from orchestrator.clock import MS, Instant, to_ms
from orchestrator.decisions import Decision, Hold, Splice
from orchestrator.timing.moment import Moment, Pending, TimingPolicy, ids

__all__ = ["Ahead", "AnswerFirst", "WaitForGap"]


class WaitForGap(msgspec.Struct, frozen=True, tag=True):
    """Never over the person: waits until they have given the floor back and been quiet for `quiet_ms`.

    How long is quiet depends on the person. In a line without an end, which the assistant has not answered either, the
    gap must be `open_ms`, longer than `tempo` keys at their speed, and longer than the pauses after which they have
    gone on before (`Moment.pause_ms`, and a quarter more); but never longer than `longest_ms`, so that nobody who
    merely left a line open waits for ever. After an Enter it must be longer than the breaths they take between two
    lines, but never longer than `breath_ms`: who types in bursts gets the result in the first real gap. A line to which
    the voice had nothing to say ("well, let me see,") was probably not all of it: then the gap must be `silence_ms`.
    """

    quiet_ms: int = 300
    open_ms: int = 2_800
    tempo: int = 2
    longest_ms: int = 4_000
    breath_ms: int = 900
    silence_ms: int = 1_200

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        if moment.floor in ("person", "both"):
            return Hold("the person has the floor", ids(pending))
        if moment.unsure:
            return Hold("the person may be about to speak", ids(pending))
        wanted = self.wanted_ms(moment)
        if moment.quiet_ms < wanted:
            until = Instant(moment.now + (wanted - moment.quiet_ms) * MS)
            return Hold(self.why(moment), ids(pending), to_ms(until))
        return None

    def why(self, moment: Moment) -> str:
        """Why the gap is not long enough yet."""
        if moment.ended and moment.quiet_ms >= self._ended_ms(moment):
            return "the voice had nothing to say to that: the person may go on"
        return "the person has only just stopped"

    def wanted_ms(self, moment: Moment) -> int:
        """How long this person must be quiet for a gap to be one."""
        if moment.ended:
            taken_in = moment.answered or moment.reply_due or moment.remaining_chars
            return max(self._ended_ms(moment), 0 if taken_in else self.silence_ms)
        usual = max(moment.pause_ms * 5 // 4, self.tempo * moment.tempo_ms)
        if not moment.answered:
            usual = max(usual, self.open_ms)
        return max(self.quiet_ms, min(usual, self.longest_ms))

    def _ended_ms(self, moment: Moment) -> int:
        return max(self.quiet_ms, min(moment.pause_ms * 5 // 4, self.breath_ms))


class AnswerFirst(msgspec.Struct, frozen=True, tag=True):
    """The person is answered first, then told the result."""

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        return Hold("the person is answered first", ids(pending)) if moment.reply_due else None


class Ahead(msgspec.Struct, frozen=True, tag=True):
    """Lets the voice phrase the result up to `ahead_ms` before the gap is long enough for it to be heard.

    A voice takes its time to the first word. It may take it while the gap that `gap` waits for is still growing; the
    session keeps the words until then, and where the person goes on instead they are thrown away and the result waits.
    """

    gap: WaitForGap
    then: TimingPolicy
    ahead_ms: int = 600

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        hold = self.gap.decide(moment, pending)
        if hold is None:
            return self.then.decide(moment, pending)
        if moment.floor in ("person", "both") or moment.unsure:
            return hold
        wanted = self.gap.wanted_ms(moment)
        early = Instant(moment.now + (wanted - self.ahead_ms - moment.quiet_ms) * MS)
        if early > moment.now:
            return Hold(self.gap.why(moment), ids(pending), to_ms(early))
        decision = self.then.decide(moment, pending)
        if not isinstance(decision, Splice):
            return decision
        if decision.style not in ("weave", "interject"):
            return hold
        return msgspec.structs.replace(decision, quiet_ms=wanted, reason=f"{decision.reason}; phrased ahead of the gap")
