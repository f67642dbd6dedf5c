"""The rules by which others decide when a result is spoken, restated as policies, to be measured beside ours.

Restated from what each project documents and its users report (read in November 2026); facts, not code. Where a rule
is unclear, the kinder reading is taken: progress stays silent for all of them, what a person calls off is called off.

These break laws of our core by design, so a session plays them with `SessionConfig(lawful=False)`: there a policy may
drop a finished result, and a request that was changed is not known to be replaced, as with a host that merely starts
another task. With the laws on, the core would save them from the faults that they are known for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from orchestrator.clock import MS, Instant, to_ms
from orchestrator.decisions import Decision, Drop, Hold, Splice
from orchestrator.timing.composing import FirstOf
from orchestrator.timing.freshness import SilentProgress
from orchestrator.timing.moment import Moment, Pending, TimingPolicy, ids

__all__ = [
    "BASELINES",
    "DuplexOmni",
    "Eager",
    "LiveKit",
    "NotRetried",
    "OpenInteraction",
    "Pipecat",
    "QwenAudioAgent",
]


def _person_speaks(moment: Moment) -> bool:
    return moment.floor in ("person", "both")


def _bot_speaks(moment: Moment) -> bool:
    return moment.floor in ("assistant", "both") or bool(moment.remaining_chars or moment.delivering)


class NotRetried(msgspec.Struct, frozen=True, tag=True):
    """What was interrupted while it was told is not told again. (Interrupted before its first word, it is: the kinder
    reading.)"""

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        cut = tuple(item for item in pending if item.cuts)
        return Drop(ids(cut), "it was interrupted, and nobody tells it again") if cut else None


class Eager(msgspec.Struct, frozen=True, tag=True):
    """At once, whoever is speaking."""

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        return Splice(ids(pending), "eager: it is there", "say", over_person=True)


class Pipecat(msgspec.Struct, frozen=True, tag=True):
    """Pipecat 1.x, the context aggregator after a function call result.

    While the bot speaks, the run of the model is deferred until it stops, and results that gather are told in one run.
    While the person speaks nothing is scheduled: the result lies in the context and rides on the next turn that runs
    the model (github.com/pipecat-ai/pipecat/issues/5823: 73 seconds of silence; mended for later versions by pull
    request 5838). A reply that is interrupted is not generated again.
    """

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        if _person_speaks(moment):
            return Hold("the person speaks: nothing is scheduled", ids(pending))
        if _bot_speaks(moment):
            return Hold("deferred until the bot has stopped speaking", ids(pending))
        if moment.reply_due:
            return Splice(ids(pending), "rides on the person's turn")
        if all(item.arrived_to in ("person", "both") for item in pending):
            return Hold("it came while the person spoke: it rides on the next turn", ids(pending))
        return Splice(ids(pending), "the model is run with the results")


class LiveKit(msgspec.Struct, frozen=True, tag=True):
    """LiveKit Agents 1.6, updates and results of asynchronous tools.

    They are coalesced into one deferred reply, delivered when the agent and the person are idle
    (docs.livekit.io/agents/logic/tools/async; github.com/livekit/agents/releases, livekit-agents 1.6.0). There is no
    deadline, no urgency and no expiry, and an interrupted reply is not retried (github.com/livekit/agents/issues/6859).
    """

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        if _person_speaks(moment) or _bot_speaks(moment) or moment.reply_due:
            return Hold("not both are idle", ids(pending))
        return Splice(ids(pending), "agent and person are idle: all that is deferred")


class QwenAudioAgent(msgspec.Struct, frozen=True, tag=True):
    """Qwen Audio Agent (github.com/QwenAudio/qwen-audio-agent): results in batches of 120 ms, tried again when blocked.

    Blocked while the person speaks, while a turn is pending and while audio is queued. A blocked batch is tried again
    after 1, 2, 4, 8 and then every 10 seconds, at most `retries` times; then it is given up.
    """

    batch_ms: int = 120
    first_ms: int = 1_000
    longest_ms: int = 10_000
    retries: int = 8
    open_ms: int = 200
    """How long a try lasts: it is made at a micro-turn, and may be late by one."""

    def tries_ms(self) -> tuple[int, ...]:
        """When after its arrival a batch is tried."""
        tries, wait = [self.batch_ms], self.first_ms
        for _ in range(self.retries):
            tries.append(tries[-1] + wait)
            wait = min(2 * wait, self.longest_ms)
        return tuple(tries)

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        oldest = min(item.arrived for item in pending)
        age = to_ms(Instant(moment.now - oldest))
        batch = tuple(item for item in pending if item.arrived - oldest <= self.batch_ms * MS)
        tries = self.tries_ms()
        if age >= tries[-1] + self.open_ms:
            return Drop(ids(batch), f"given up after {self.retries} retries")
        coming = next((after for after in tries if age < after + self.open_ms), tries[-1])
        blocked = _person_speaks(moment) or _bot_speaks(moment) or moment.reply_due
        if age >= coming and not blocked:
            return Splice(ids(batch), "a try that is not blocked")
        later = next((after for after in tries if after > age), tries[-1] + self.open_ms)
        return Hold("until the next try", ids(pending), to_ms(oldest) + later)


class DuplexOmni(msgspec.Struct, frozen=True, tag=True):
    """DuplexOmni (github.com/MuyeHuang/DuplexOmni): the slow model's lines are put into the fast model's input.

    One line a chunk, then a cooldown of 0.5 to 1.0 seconds; neither the person nor the model's own speech is asked, and
    lines that are queued stay queued when the request changes. The fast model is taken to keep silent while the person
    holds the floor (the session sees to that), and to go on with a line that was interrupted.
    """

    cooldown_ms: int = 750

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        last = moment.last_splice
        if last is not None and moment.now - last < self.cooldown_ms * MS:
            return Hold("cooling down", ids(pending), to_ms(last) + self.cooldown_ms)
        return Splice((pending[0].id,), "one line a chunk")


class OpenInteraction(msgspec.Struct, frozen=True, tag=True):
    """OpenInteraction (github.com/Y4ng22/OpenInteraction), the injection scheduler with its default timeout.

    At most three a cell, when the model is not speaking; whether the person speaks is not asked. What is older than
    five seconds is dropped, a final answer too.
    """

    timeout_ms: int = 5_000
    cell: int = 3

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        old = tuple(item for item in pending if moment.now - item.arrived >= self.timeout_ms * MS)
        if old:
            return Drop(ids(old), "older than five seconds")
        if _bot_speaks(moment):
            return Hold("the model is speaking", ids(pending))
        return Splice(ids(pending)[: self.cell], "the model is not speaking", "say", over_person=True)


def _eager() -> TimingPolicy:
    return FirstOf((SilentProgress(), NotRetried(), Eager()))


def _pipecat() -> TimingPolicy:
    return FirstOf((SilentProgress(), NotRetried(), Pipecat()))


def _livekit() -> TimingPolicy:
    return FirstOf((SilentProgress(), NotRetried(), LiveKit()))


def _qwen() -> TimingPolicy:
    return FirstOf((SilentProgress(), QwenAudioAgent()))


def _duplexomni() -> TimingPolicy:
    return FirstOf((SilentProgress(), DuplexOmni()))


def _openinteraction() -> TimingPolicy:
    return FirstOf((SilentProgress(), NotRetried(), OpenInteraction()))


BASELINES: Final[Mapping[str, Callable[[], TimingPolicy]]] = {
    "eager": _eager,
    "pipecat": _pipecat,
    "livekit": _livekit,
    "qwen": _qwen,
    "duplexomni": _duplexomni,
    "openinteraction": _openinteraction,
}
"""By the names that tables use. Each is to be played with `SessionConfig(lawful=False)`."""
