"""The measures, from a journal alone. Each with its formula; docs/benchmark.md says the same in words.

A moment is good for a fact when nobody speaks, the person is there and has been quiet for `quiet_ms`, no answer is due
to them, and the fact is ready and not stale. Its delay is the good time that goes by before its first word.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from orchestrator.bench.record import Line
from orchestrator.bench.timeline import Fact, Interval, Timeline, Turn, Utterance, free_ms, shared, shared_ms, timeline

__all__ = ["FAULTS", "Fault", "Measure", "Rules", "Score", "score"]

Measure = Literal["lost", "duplicate", "stale", "missed", "overlap", "cut-in", "own cut", "unanswered", "unreplied"]
FAULTS: Final[tuple[Measure, ...]] = (
    "lost",
    "duplicate",
    "stale",
    "missed",
    "overlap",
    "cut-in",
    "own cut",
    "unanswered",
    "unreplied",
)
"""A run in which none of these is found is clean."""

_CLAUSE_END: Final = re.compile(r"[.,;:!?…][\"')\]]*\s*$")
_CLAUSE_START: Final = re.compile(r"(?:and|but|because|or|which|while)\b")
_LATER: Final = 2
"""Among so many utterances after it, the rest of one that was broken off is looked for."""


class Rules(msgspec.Struct, frozen=True):
    """The constants of the measures, in milliseconds."""

    quiet_ms: int = 300
    """A moment is good when the person has been quiet for so long."""
    reply_ms: int = 3_000
    """How long an answer that is due keeps a moment from being good."""
    grace_ms: int = 300
    """How long a fact may still be told after it became stale: a micro-turn and a reaction."""
    chance_ms: int = 1_000
    """A fact that expired could have been told if there was so much good time for it."""
    overlap_ms: int = 250
    """A stretch of overlap no longer than this is the reaction time of whoever is interrupted, and no fault."""
    excuse_ms: int = 2_000
    """An utterance cut so soon after the person spoke, typed or went, or after its fact became stale, has a reason."""
    knows_ms: int = 250
    """An utterance that begins so soon after the person did is no cut-in: nobody could know yet that they had."""
    collide_ms: int = 500
    """Who begins so soon after the other could not have known of it."""
    on_ms: int = 1_000
    """An utterance that ends inside a clause is broken off if the assistant goes on within this time."""
    overtaken_ms: int = 5_000
    """A turn needs no answer any more if the person begins another one within this time, before it is answered."""


class Fault(msgspec.Struct, frozen=True):
    """One thing that went wrong, so that it can be looked up in the journal."""

    at_ms: int
    measure: Measure
    what: str


class Score(msgspec.Struct, frozen=True):
    """What a journal comes to. Times in milliseconds."""

    scenario: str
    family: str
    seed: int
    system: str
    delays: tuple[int, ...] = ()
    """For each fact: the good time from when it was ready to the first word of it; 0 where that came before any."""
    waits: tuple[int, ...] = ()
    """For each fact: from when it was ready to the first word of it, whatever the moment was like."""
    overlap_ms: int = 0
    """How long the assistant was heard while the person spoke or typed; what is critical does not count."""
    critical_overlap_ms: int = 0
    cut_ins: int = 0
    """Utterances begun inside a turn of the person; what is critical does not count."""
    collisions: int = 0
    """Tellings of a fact that the person begins, or goes on, to speak into before they can have noticed it."""
    own_cuts: int = 0
    """Utterances the assistant broke off or broke into inside a clause, without a reason from outside."""
    duplicates: int = 0
    """Tellings of a fact, aloud, after the first whole one. A card may hold what was heard before."""
    stale: int = 0
    """Facts of which something was told after they had become stale."""
    missed: int = 0
    """Facts of which nothing was told before they expired, though there was time."""
    lost: int = 0
    """Facts that had to be told and never were told whole."""
    musts: int = 0
    """Facts that had to be told."""
    unanswered: int = 0
    """Requests without a result and without an honest failure."""
    requests: int = 0
    follow_ups: tuple[int, ...] = ()
    """For each turn that expected an answer while a request was open: from its end to the first word of the answer."""
    unreplied: int = 0
    """Turns that expected an answer and got none."""
    words: int = 0
    """Words spoken."""
    unheard_words: int = 0
    """Words spoken while the person was away."""
    cards: int = 0
    faults: tuple[Fault, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether nothing went wrong."""
        return not self.faults


def score(lines: Sequence[Line], rules: Rules | None = None) -> Score:
    """Score one journal."""
    rules = rules or Rules()
    line = timeline(lines)
    faults: list[Fault] = []
    delays, waits = _delays(line, rules)
    overlap, critical = _overlap(line, rules, faults)
    result = Score(
        line.run.scenario,
        line.run.family,
        line.run.seed,
        line.run.system,
        delays,
        waits,
        overlap,
        critical,
        cut_ins=_cut_ins(line, rules, faults),
        collisions=_collisions(line, rules),
        own_cuts=_own_cuts(line, rules, faults),
        duplicates=_duplicates(line, faults),
        stale=_stale(line, rules, faults),
        missed=_missed(line, rules, faults),
        lost=_lost(line, faults),
        musts=sum(_owed(fact) for fact in line.facts.values()),
        unanswered=_unanswered(line, faults),
        requests=sum(request.withdrawn is None for request in line.requests.values()),
        follow_ups=_follow_ups(line),
        unreplied=_unreplied(line, rules, faults),
        words=sum(len(said.text.split()) for said in line.utterances.values()),
        unheard_words=_unheard_words(line),
        cards=len(line.cards),
    )
    return msgspec.structs.replace(result, faults=tuple(sorted(faults, key=lambda fault: fault.at_ms)))


# --- when it was told ------------------------------------------------------------------------------------------------


def _good_ms(line: Timeline, fact: Fact, until: int, rules: Rules) -> int:
    """How long, from when it was ready up to `until`, the moment was good for `fact`."""
    if fact.ready is None:
        return 0
    blocked: list[Interval] = [*line.away]
    for turn in line.turns.values():
        blocked.append((turn.begins, turn.ends + rules.quiet_ms))
        if turn.expects:
            answered = turn.ends + rules.reply_ms
            blocked.append((turn.ends, answered if turn.replied is None else min(turn.replied, answered)))
    blocked.extend((said.begins, said.ends) for said in line.utterances.values() if fact.id not in said.about)
    return free_ms(fact.ready, until if fact.stale is None else min(until, fact.stale), blocked)


def _delays(line: Timeline, rules: Rules) -> tuple[tuple[int, ...], tuple[int, ...]]:
    delays: list[int] = []
    waits: list[int] = []
    for fact in line.facts.values():
        if fact.ready is None or not fact.begun or (fact.stale is not None and fact.begun[0] > fact.stale):
            continue
        waits.append(max(0, fact.begun[0] - fact.ready))
        delays.append(_good_ms(line, fact, fact.begun[0], rules))
    return tuple(delays), tuple(waits)


# --- over the person -------------------------------------------------------------------------------------------------


def _critical(line: Timeline, said: Utterance) -> bool:
    return any(line.facts[name].critical for name in said.about)


def _overlap(line: Timeline, rules: Rules, faults: list[Fault]) -> tuple[int, int]:
    sounds = [sound for turn in line.turns.values() for sound in turn.sounds]
    plain: list[Interval] = []
    critical: list[Interval] = []
    for said in line.utterances.values():
        (critical if _critical(line, said) else plain).extend(said.audible())
    over = shared(plain, sounds)
    for start, stop in over:
        if stop - start > rules.overlap_ms:
            faults.append(Fault(start, "overlap", f"{stop - start} ms over the person"))
    return sum(stop - start for start, stop in over), shared_ms(critical, sounds)


def _cut_ins(line: Timeline, rules: Rules, faults: list[Fault]) -> int:
    count = 0
    for said in line.utterances.values():
        turns = line.turns.values()
        turn = next((turn for turn in turns if turn.begins + rules.knows_ms < said.begins < turn.ends), None)
        if turn is None or not said.pieces or _critical(line, said):
            continue
        count += 1
        faults.append(Fault(said.begins, "cut-in", f"utterance {said.id} begins inside turn {turn.id}"))
    return count


def _collisions(line: Timeline, rules: Rules) -> int:
    sounds = [start for turn in line.turns.values() for start, _ in turn.sounds]
    return sum(
        any(said.begins <= start < said.begins + rules.collide_ms for start in sounds)
        for said in line.utterances.values()
        if said.about and not _critical(line, said)
    )


# --- over itself -----------------------------------------------------------------------------------------------------


def _own_cuts(line: Timeline, rules: Rules, faults: list[Fault]) -> int:
    count = 0
    said = list(line.utterances.values())
    for one in said:
        if not one.pieces or not _broken(one, said, rules) or _excused(line, one, rules):
            continue
        count += 1
        faults.append(Fault(one.ends, "own cut", f"utterance {one.id} is broken off inside a clause"))
    return count


def _broken(one: Utterance, said: list[Utterance], rules: Rules) -> bool:
    """Whether it stops inside a clause, or another one begins in the middle of it."""
    last = max(piece.at_ms for piece in one.pieces)
    for other in said:
        if other is one or not other.pieces or not one.begins <= other.begins < last:
            continue
        before = "".join(piece.text for piece in one.pieces if piece.at_ms < other.begins)
        if not _CLAUSE_END.search(before):
            return True
    later = [other for other in said if other.begins >= one.ends - rules.grace_ms and other is not one]
    if _CLAUSE_END.search(one.text) or any(_CLAUSE_START.match(other.text) for other in later[:_LATER]):
        return False
    goes_on = any(
        other is not one and other.pieces and last <= other.begins <= one.ends + rules.on_ms for other in said
    )
    return one.cut or goes_on


def _excused(line: Timeline, one: Utterance, rules: Rules) -> bool:
    since = one.ends - rules.excuse_ms
    if any(since <= start <= one.ends for turn in line.turns.values() for start, _ in turn.sounds):
        return True
    if any(since <= gone <= one.ends for gone, _ in line.away):
        return True
    stale = [line.facts[name].stale for name in one.about]
    return any(at is not None and since <= at <= one.ends for at in stale)


# --- the facts -------------------------------------------------------------------------------------------------------


def _owed(fact: Fact) -> bool:
    """Whether it had to be told: ready, and still true at the end, or told before it became stale."""
    return fact.must and fact.ready is not None and fact.stale is None


def _lost(line: Timeline, faults: list[Fault]) -> int:
    lost = [fact for fact in line.facts.values() if _owed(fact) and not fact.told]
    faults.extend(Fault(fact.ready or 0, "lost", f"fact {fact.id} is never told") for fact in lost)
    return len(lost)


def _duplicates(line: Timeline, faults: list[Fault]) -> int:
    count = 0
    for fact in line.facts.values():
        for at in fact.told[1:]:
            count += 1
            faults.append(Fault(at, "duplicate", f"fact {fact.id} is told again"))
    return count


def _stale(line: Timeline, rules: Rules, faults: list[Fault]) -> int:
    count = 0
    for fact in line.facts.values():
        if fact.stale is None:
            continue
        late = [at for at in fact.begun if at > fact.stale + rules.grace_ms]
        if late:
            count += 1
            faults.append(Fault(late[0], "stale", f"fact {fact.id} is told after it was {fact.why}"))
    return count


def _missed(line: Timeline, rules: Rules, faults: list[Fault]) -> int:
    count = 0
    for fact in line.facts.values():
        if fact.stale is None or fact.why != "expired" or any(at <= fact.stale for at in fact.begun):
            continue
        if _good_ms(line, fact, fact.stale, rules) >= rules.chance_ms:
            count += 1
            faults.append(Fault(fact.stale, "missed", f"fact {fact.id} could have been told before it expired"))
    return count


# --- answers ---------------------------------------------------------------------------------------------------------


def _unanswered(line: Timeline, faults: list[Fault]) -> int:
    requests = line.requests.values()
    left = [request for request in requests if request.withdrawn is None and request.closed is None]
    faults.extend(Fault(request.asked, "unanswered", f"request {request.id} is never answered") for request in left)
    return len(left)


def _open(line: Timeline, turn: Turn) -> bool:
    """Whether a request was being worked on when the person finished this turn."""
    return any(
        request.asked < turn.ends
        and (request.closed is None or request.closed > turn.ends)
        and (request.withdrawn is None or request.withdrawn > turn.ends)
        for request in line.requests.values()
    )


def _follow_ups(line: Timeline) -> tuple[int, ...]:
    return tuple(
        max(0, turn.replied - turn.ends)
        for turn in line.turns.values()
        if turn.expects and turn.replied is not None and _open(line, turn)
    )


def _unreplied(line: Timeline, rules: Rules, faults: list[Fault]) -> int:
    count = 0
    for turn in line.turns.values():
        if not turn.expects or turn.replied is not None:
            continue
        overtaken = any(turn.ends <= other.begins <= turn.ends + rules.overtaken_ms for other in line.turns.values())
        if not overtaken:
            count += 1
            faults.append(Fault(turn.ends, "unreplied", f"turn {turn.id} gets no answer"))
    return count


def _unheard_words(line: Timeline) -> int:
    pieces = [piece for said in line.utterances.values() for piece in said.pieces]
    return sum(
        len(piece.text.split()) for piece in pieces if any(gone <= piece.at_ms < back for gone, back in line.away)
    )
