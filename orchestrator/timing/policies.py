"""The policies. Each is one rule a person would recognise; `FirstOf` asks them in order."""

from __future__ import annotations

from typing import Protocol

import msgspec

from orchestrator.clock import MS, Instant, to_ms
from orchestrator.decisions import Decision, Drop, Hold, Splice, Style
from orchestrator.finding import CRITICAL
from orchestrator.timing.moment import Moment, Pending

__all__ = [
    "AnswerFirst",
    "AtBoundary",
    "Expire",
    "FirstOf",
    "MovedOn",
    "Patience",
    "Settle",
    "ShowToTyping",
    "SilentProgress",
    "Speak",
    "Supersede",
    "Urgent",
    "WaitForGap",
    "default_policy",
]


class _Policy(Protocol):
    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None: ...


def _ids(pending: tuple[Pending, ...]) -> tuple[str, ...]:
    return tuple(item.id for item in pending)


class FirstOf(msgspec.Struct, frozen=True, tag=True):
    """Asks each policy in order; the first opinion counts. Nobody has one: hold."""

    policies: tuple[_Policy, ...]

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision:
        for policy in self.policies:
            decision = policy.decide(moment, pending)
            if decision is not None:
                return decision
        return Hold("no policy had an opinion", _ids(pending))


class Expire(msgspec.Struct, frozen=True, tag=True):
    """Drops partials and progress past their time. A finished result has none."""

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        late = tuple(
            item
            for item in pending
            if item.finding.kind in ("partial", "progress")
            and item.finding.expires_at_ms is not None
            and item.finding.expires_at_ms <= to_ms(moment.now)
        )
        return Drop(_ids(late), "expired: it went stale before a good moment came", "expired") if late else None


class Supersede(msgspec.Struct, frozen=True, tag=True):
    """Drops a partial whose final waits beside it, and what a later finding says it replaces.

    The ledger does this for what arrives; here it is done for what comes back after its delivery was cut.
    """

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        named = {replaced for item in pending for replaced in item.finding.supersedes}
        answered = {item.finding.delegation for item in pending if item.finding.terminal}
        old = tuple(
            item
            for item in pending
            if not item.finding.terminal and (item.id in named or item.finding.delegation in answered)
        )
        return Drop(_ids(old), "superseded: a later finding replaces it", "superseded") if old else None


class SilentProgress(msgspec.Struct, frozen=True, tag=True):
    """Progress is shown, not spoken: it is not the answer, and must not be told as one."""

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        progress = tuple(item for item in pending if item.finding.kind == "progress")
        return Drop(_ids(progress), "progress is shown, not spoken") if progress else None


class MovedOn(msgspec.Struct, frozen=True, tag=True):
    """A delivery that was cut, after which the person turned to something else, is shown as a card and not told
    again."""

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        past = tuple(item for item in pending if item.moved_on and item.cuts)
        if not past or moment.floor in ("person", "both"):
            return None
        return Splice(_ids(past), "the person has moved on since its delivery was cut", "card")


class WaitForGap(msgspec.Struct, frozen=True, tag=True):
    """Never over the person: waits until they have given the floor back and been quiet for `quiet_ms`.

    After a pause without an Enter, someone who types slowly gets a longer gap: `tempo` times their typical time between
    two inputs, but no more than `longest_ms`.
    """

    quiet_ms: int = 300
    tempo: int = 2
    longest_ms: int = 1_200

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        if moment.floor in ("person", "both"):
            return Hold("the person has the floor", _ids(pending))
        if moment.unsure:
            return Hold("the person may be about to speak", _ids(pending))
        slow = 0 if moment.ended else self.tempo * moment.tempo_ms
        wanted = min(max(self.quiet_ms, slow), self.longest_ms)
        if moment.quiet_ms < wanted:
            until = Instant(moment.now + (wanted - moment.quiet_ms) * MS)
            return Hold("the person has only just stopped", _ids(pending), to_ms(until))
        return None


class AnswerFirst(msgspec.Struct, frozen=True, tag=True):
    """The person is answered first, then told the result."""

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        return Hold("the person is answered first", _ids(pending)) if moment.reply_due else None


class AtBoundary(msgspec.Struct, frozen=True, tag=True):
    """Not in the middle of the assistant's own clause.

    With little left to say it finishes first; with more than `finish_chars` left, the result goes in at the next clause
    boundary. The delivery of another finding is never broken up.
    """

    finish_chars: int = 100

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        if moment.delivering:
            return Hold("another result is being told", _ids(pending))
        if not moment.remaining_chars:
            return None
        if moment.remaining_chars <= self.finish_chars:
            return Hold("the assistant finishes its sentence", _ids(pending))
        return Splice(_ids(pending), "the assistant has more to say than can wait: at its next clause", "interject")


class Settle(msgspec.Struct, frozen=True, tag=True):
    """What arrives together is told together: waits `window_ms` after the newest, while more may come.

    Nothing else at work: nothing to wait for. Never more than `longest_ms` after the oldest.
    """

    window_ms: int = 250
    longest_ms: int = 1_000

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        if not moment.running:
            return None
        newest = max(item.arrived for item in pending)
        oldest = min(item.arrived for item in pending)
        until = min(newest + self.window_ms * MS, oldest + self.longest_ms * MS)
        if moment.now >= until:
            return None
        return Hold("more may arrive within the settle window", _ids(pending), to_ms(Instant(until)))


class Patience(msgspec.Struct, frozen=True, tag=True):
    """After `max_wait_ms` without a good moment, another rule takes over. Never silence for ever."""

    max_wait_ms: int
    then: _Policy

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        waited = tuple(item for item in pending if moment.now - item.since >= self.max_wait_ms * MS)
        return self.then.decide(moment, waited) if waited else None


class ShowToTyping(msgspec.Struct, frozen=True, tag=True):
    """A person who keeps the floor gets a card: shown, not spoken, and nothing is said over them."""

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        if moment.floor not in ("person", "both"):
            return None
        return Splice(_ids(pending), "no good moment for a long time: shown as a card", "card")


class Urgent(msgspec.Struct, frozen=True, tag=True):
    """What is `high` or `critical` does not wait for settling or for the assistant to finish.

    `high` still waits for the person; `critical` is spoken over them, and the reason says so.
    """

    then: _Policy

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        critical = tuple(
            item for item in pending if item.finding.urgency == CRITICAL and item.finding.kind != "progress"
        )
        if critical:
            return Splice(_ids(critical), "critical: spoken even over the person", "say", over_person=True)
        high = tuple(item for item in pending if item.finding.urgency == "high")
        return self.then.decide(moment, high) if high else None


class Speak(msgspec.Struct, frozen=True, tag=True):
    """Now, all together; verbatim where the voice was given a finding `trust` times and said nothing."""

    style: Style = "weave"
    reason: str = "a good moment: nobody is speaking"
    trust: int = 2

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        mute = tuple(item for item in pending if item.unspoken >= self.trust)
        if mute:
            return Splice(_ids(mute), "the voice was given it and said nothing: read out as it is", "say")
        return Splice(_ids(pending), self.reason, self.style)


def default_policy() -> FirstOf:
    """Duologue's own composition."""
    gap = WaitForGap(quiet_ms=300)
    return FirstOf(
        (
            Expire(),
            Supersede(),
            SilentProgress(),
            Urgent(
                FirstOf((gap, AnswerFirst(), AtBoundary(finish_chars=0), Speak(reason="urgent: at the first gap"))),
            ),
            Patience(20_000, ShowToTyping()),
            gap,
            MovedOn(),
            AnswerFirst(),
            AtBoundary(),
            Settle(),
            Speak(),
        )
    )
