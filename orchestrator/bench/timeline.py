"""What a journal says happened, put together: turns of the person, utterances of the assistant, facts, requests.

Intervals are half open, `(from, to)` in milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias, assert_never

import msgspec

from orchestrator.bench.record import (
    Card,
    End,
    FactReady,
    FactStale,
    Line,
    PersonAway,
    PersonBack,
    PersonBackchannel,
    PersonBegins,
    PersonEnds,
    PersonKey,
    RequestAsked,
    RequestWithdrawn,
    Run,
    SpeechBegins,
    SpeechCut,
    SpeechEnds,
    SpeechPiece,
)

__all__ = ["Fact", "Interval", "Request", "Timeline", "Turn", "Utterance", "free_ms", "shared", "shared_ms", "timeline"]

Interval: TypeAlias = tuple[int, int]

KEY_MS = 150
"""How long a key counts as heard, where it does not say."""


class Turn(msgspec.Struct):
    """A turn of the person, from their first key or sound to their last."""

    id: str
    how: str
    begins: int
    ends: int
    expects: bool = False
    replied: int | None = None
    """When the assistant began to answer it."""
    sounds: list[Interval] = msgspec.field(default_factory=list[Interval])


class Utterance(msgspec.Struct):
    """An utterance of the assistant, from its first word until its last has been heard, or until it was cut."""

    id: str
    begins: int
    ends: int
    cut: bool = False
    ended: bool = False
    pieces: list[SpeechPiece] = msgspec.field(default_factory=list[SpeechPiece])

    @property
    def text(self) -> str:
        """All that was said of it."""
        return "".join(piece.text for piece in self.pieces)

    @property
    def about(self) -> set[str]:
        """The facts it tells, or began to tell."""
        return {fact for piece in self.pieces for fact in piece.about}

    def audible(self) -> list[Interval]:
        """When it could be heard."""
        return [(piece.at_ms, min(piece.at_ms + piece.ms, self.ends)) for piece in self.pieces]


class Fact(msgspec.Struct):
    """A fact: when it could be told, until when it was true, and when telling it began and was done."""

    id: str
    ready: int | None = None
    must: bool = False
    critical: bool = False
    stale: int | None = None
    why: str = ""
    begun: list[int] = msgspec.field(default_factory=list[int])
    """Each piece or card that is a part of telling it."""
    told: list[int] = msgspec.field(default_factory=list[int])
    """When it had been told whole, each time; a card tells it once at most."""


class Request(msgspec.Struct):
    """Something the person asked for."""

    id: str
    asked: int
    withdrawn: int | None = None
    closed: int | None = None


class Timeline(msgspec.Struct):
    """All of a run."""

    run: Run
    end: int = 0
    turns: dict[str, Turn] = msgspec.field(default_factory=dict[str, Turn])
    utterances: dict[str, Utterance] = msgspec.field(default_factory=dict[str, Utterance])
    facts: dict[str, Fact] = msgspec.field(default_factory=dict[str, Fact])
    requests: dict[str, Request] = msgspec.field(default_factory=dict[str, Request])
    cards: list[Card] = msgspec.field(default_factory=list[Card])
    away: list[Interval] = msgspec.field(default_factory=list[Interval])


def timeline(lines: Sequence[Line]) -> Timeline:
    """Put a journal together. What it names without having begun it, begins there."""
    run = lines[0]
    if not isinstance(run, Run):
        raise ValueError("a journal begins with a run line")
    line = Timeline(run, lines[-1].at_ms)
    gone: int | None = None
    for item in lines:
        match item:
            case Run() | End() | PersonBackchannel():
                pass
            case PersonBegins() | PersonKey() | PersonEnds():
                _person(line, item)
            case PersonAway():
                gone = item.at_ms
            case PersonBack():
                line.away.append((item.at_ms if gone is None else gone, item.at_ms))
                gone = None
            case SpeechBegins() | SpeechPiece() | SpeechEnds() | SpeechCut():
                _speech(line, item)
            case Card():
                line.cards.append(item)
                new = tuple(name for name in item.tells if name not in line.facts or not line.facts[name].told)
                _told(line, item.tells, new, item.closes, item.at_ms, item.at_ms)
            case FactReady():
                fact = line.facts.setdefault(item.fact, Fact(item.fact))
                if fact.ready is None:
                    fact.ready, fact.critical = item.at_ms, item.urgency == "critical"
                fact.must = fact.must or item.must
            case FactStale():
                fact = line.facts.setdefault(item.fact, Fact(item.fact))
                if fact.stale is None:
                    fact.stale, fact.why = item.at_ms, item.why
            case RequestAsked():
                line.requests.setdefault(item.request, Request(item.request, item.at_ms))
            case RequestWithdrawn():
                line.requests.setdefault(item.request, Request(item.request, item.at_ms)).withdrawn = item.at_ms
            case _:
                assert_never(item)
    if gone is not None:
        line.away.append((gone, line.end))
    for turn in line.turns.values():
        turn.ends = turn.ends if turn.ends >= 0 else line.end
    return line


def _person(line: Timeline, item: PersonBegins | PersonKey | PersonEnds) -> None:
    turn = line.turns.get(item.turn)
    if turn is None:
        how = item.how if isinstance(item, PersonBegins) else "types"
        turn = line.turns[item.turn] = Turn(item.turn, how, item.at_ms, -1)
    match item:
        case PersonBegins():
            pass
        case PersonKey():
            turn.sounds.append((item.at_ms, item.at_ms + (item.ms or KEY_MS)))
        case PersonEnds():
            turn.ends, turn.expects = item.at_ms, item.expects
            turn.sounds = [(start, min(stop, item.at_ms)) for start, stop in turn.sounds]


def _speech(line: Timeline, item: SpeechBegins | SpeechPiece | SpeechEnds | SpeechCut) -> None:
    said = line.utterances.get(item.utterance)
    if said is None:
        said = line.utterances[item.utterance] = Utterance(item.utterance, item.at_ms, item.at_ms)
    match item:
        case SpeechBegins():
            pass
        case SpeechPiece():
            said.pieces.append(item)
            said.ends = max(said.ends, item.at_ms + item.ms)
            _told(line, item.about, item.tells, item.closes, item.at_ms, item.at_ms + item.ms)
            for turn in item.replies:
                if turn in line.turns and line.turns[turn].replied is None:
                    line.turns[turn].replied = item.at_ms
        case SpeechEnds():
            said.ended = True
            said.ends = max(said.ends, item.at_ms)
        case SpeechCut():
            said.cut = True
            said.ends = item.at_ms


def _told(
    line: Timeline,
    about: tuple[str, ...],
    tells: tuple[str, ...],
    closes: tuple[str, ...],
    begun: int,
    done: int,
) -> None:
    for name in dict.fromkeys((*about, *tells)):
        line.facts.setdefault(name, Fact(name)).begun.append(begun)
    for name in tells:
        line.facts[name].told.append(done)
    for name in closes:
        request = line.requests.get(name)
        if request is not None and request.closed is None:
            request.closed = done


def free_ms(start: int, stop: int, blocked: Iterable[Interval]) -> int:
    """How many milliseconds from `start` up to `stop` lie in none of `blocked`.

    >>> free_ms(10, 50, [(30, 40), (5, 20), (15, 30)])
    10
    """
    return max(0, stop - start) - shared_ms([(start, stop)], blocked)


def shared_ms(one: Iterable[Interval], other: Iterable[Interval]) -> int:
    """How many milliseconds lie in both.

    >>> shared_ms([(0, 10), (5, 20)], [(8, 12), (18, 30)])
    6
    """
    return sum(stop - start for start, stop in shared(one, other))


def shared(one: Iterable[Interval], other: Iterable[Interval]) -> list[Interval]:
    """The stretches that lie in both, in order.

    >>> shared([(0, 10), (5, 20)], [(8, 12), (18, 30)])
    [(8, 12), (18, 20)]
    """
    mine, theirs = _merged(one), _merged(other)
    both = ((max(start, since), min(stop, until)) for start, stop in mine for since, until in theirs)
    return [(start, stop) for start, stop in both if start < stop]


def _merged(intervals: Iterable[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for start, stop in sorted(interval for interval in intervals if interval[0] < interval[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged
