"""Playing a session without a shell: events and instants in, records out. No loop, no sleep, no mock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from typing import Final

from orchestrator.clock import from_ms, to_ms
from orchestrator.effects import MicroTurn, StepModel
from orchestrator.events import Event, ModelEvent, ModelRested, ModelSpoke, TickDue
from orchestrator.growing import first_sentence
from orchestrator.journal import Record, worth_writing
from orchestrator.session import Session

__all__ = ["Voice", "plain_voice", "play", "silent_voice"]

_BRIEF: Final = 200

Voice = Callable[[MicroTurn], Sequence[ModelEvent]]
"""A voice as a pure function: what it says and asks for at a micro-turn. It answers in no time."""


def plain_voice(turn: MicroTurn) -> Sequence[ModelEvent]:
    """Says each finding it is offered in its own words, all in one utterance, and nothing else. In short, it says the
    first sentence."""
    if not turn.offers:
        return (ModelRested(turn.n),)
    text = " ".join(first_sentence(offer.rest, _BRIEF) if offer.brief else offer.rest for offer in turn.offers)
    return ModelSpoke(text, tuple(offer.finding.id for offer in turn.offers)), ModelRested(turn.n)


def silent_voice(turn: MicroTurn) -> Sequence[ModelEvent]:
    """Never says anything."""
    return (ModelRested(turn.n),)


def play(
    session: Session,
    events: Iterable[tuple[int, Event]],
    *,
    until_ms: int,
    voice: Voice = plain_voice,
    latency_ms: int = 0,
) -> list[Record]:
    """Feed `session` with `events` (milliseconds, event) and with ticks as it wants them, up to `until_ms`.

    The voice answers each micro-turn `latency_ms` later. Returns what a journal would hold. A second call goes on.
    """
    heap: list[tuple[int, int, Event]] = []
    for order, (at_ms, event) in enumerate(events):
        heappush(heap, (at_ms, order, event))
    order = len(heap)
    records: list[Record] = []
    while True:
        deadline = session.deadline
        if deadline is None:
            return records
        if heap and heap[0][0] <= to_ms(deadline):
            at_ms, _, event = heappop(heap)
        else:
            at_ms, event = to_ms(deadline), TickDue()
        if at_ms > until_ms:
            return records
        now = from_ms(at_ms)
        effects = session.receive(event, now=now)
        if worth_writing(event, len(effects)):
            records.append(Record(now, session.n, event))
        for effect in effects:
            records.append(Record(now, session.n, effect))
            if isinstance(effect, StepModel):
                for said in voice(effect.turn):
                    order += 1
                    heappush(heap, (at_ms + latency_ms, order, said))
