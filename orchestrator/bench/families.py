"""The families of scenarios: each is one situation in which a finding has to find its moment.

`scenario(family, seed)` gives the same scenario for the same seed on every machine. Seeds below `REPORT_FROM` are for
tuning; a report takes seeds from there on, which tuning never sees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from orchestrator.bench.material import LONG, Maker
from orchestrator.bench.scenario import Arrival, Cue, Meaning, Scenario
from orchestrator.bench.tempo import BURSTS, SLOW
from orchestrator.errors import UsageError
from orchestrator.finding import Urgency

__all__ = ["FAMILIES", "REPORT_FROM", "report_seeds", "scenario", "scenarios", "train_seeds"]

REPORT_FROM: Final = 1_000_000
"""The first seed of a report."""

_START: Final = Cue("start", after_ms=300)


def train_seeds(count: int) -> range:
    """Seeds to tune with."""
    return range(count)


def report_seeds(count: int) -> range:
    """Seeds to report with; none of them is a training seed."""
    return range(REPORT_FROM, REPORT_FROM + count)


def scenario(family: str, seed: int) -> Scenario:
    """The scenario of `family` with `seed`. Raises `UsageError` for a family that is not there."""
    if family not in FAMILIES:
        raise UsageError(f"there is no family {family!r}", "", f"choose one of: {', '.join(FAMILIES)}")
    make = Maker(family, seed)
    FAMILIES[family](make)
    return make.made()


def scenarios(families: Iterable[str], seeds: Iterable[int]) -> list[Scenario]:
    """One scenario for each family and seed."""
    chosen = tuple(seeds)
    return [scenario(family, seed) for family in families for seed in chosen]


def _soon(make: Maker, least: int = 900, most: int = 5_000) -> Cue:
    return Cue("arrival", after_ms=make.between(least, most))


def _some(make: Maker, facts: tuple[str, ...]) -> tuple[str, ...]:
    return facts[: make.between(1, 3)]


# --- one result, and what the person does meanwhile ------------------------------------------------------------------


def _pause(make: Maker) -> None:
    """The result comes while nobody speaks."""
    request, facts = make.asks(_START)
    make.works_on(request, make.arrives(_some(make, facts), _soon(make, 1_500, 7_000)))


def _during(make: Maker, pause_ms: int = 0) -> None:
    request, facts = make.asks(_START)
    at = Cue("step.begins", make.coming, after_ms=make.between(300, 1_800))
    make.remarks(Cue(after_ms=make.between(1_500, 3_000)), pause_ms=pause_ms)
    make.works_on(request, make.arrives(_some(make, facts), at))


def _typing(make: Maker) -> None:
    """The result comes while the person types."""
    make.how = "types"
    _during(make)


def _speaking(make: Maker) -> None:
    """The result comes while the person speaks."""
    make.how = "speaks"
    _during(make)


def _mid_sentence(make: Maker) -> None:
    """The result comes in a pause in the middle of the person's sentence."""
    _during(make, pause_ms=make.between(700, 2_600))


def _slow(make: Maker) -> None:
    """The result comes while somebody types who pauses long between the words."""
    make.how = "types"
    request, facts = make.asks(_START)
    at = Cue("step.begins", make.coming, after_ms=make.between(800, 5_000))
    make.remarks(Cue(after_ms=make.between(1_500, 3_000)), tempo=SLOW)
    make.works_on(request, make.arrives(_some(make, facts), at))


def _bursts(make: Maker) -> None:
    """The result comes to somebody who types line after line in bursts, and must not wait for the end of it."""
    make.how = "types"
    request, facts = make.asks(_START)
    at = Cue("step.begins", make.coming, after_ms=make.between(500, 3_000))
    make.remarks(Cue(after_ms=make.between(1_500, 3_000)), tempo=BURSTS)
    for _ in range(3):
        make.remarks(Cue(after_ms=make.between(1_200, 3_500)), tempo=BURSTS)
    make.works_on(request, make.arrives(_some(make, facts), at))


def _lines(make: Maker) -> None:
    """The result comes to somebody who says one thing in several lines, with short breaks between them."""
    request, facts = make.asks(_START)
    at = Cue("step.begins", make.coming, after_ms=make.between(300, 1_500))
    for _ in range(make.between(1, 3)):
        make.remarks(Cue(after_ms=make.between(350, 1_400)), goes_on=True)
    make.remarks(Cue(after_ms=make.between(350, 1_400)))
    make.works_on(request, make.arrives(_some(make, facts), at))


def _collision(make: Maker) -> None:
    """The person begins within half a second of the result."""
    request, facts = make.asks(_START)
    make.remarks(Cue("fact.ready", facts[0], after_ms=make.between(0, 500)))
    make.works_on(request, make.arrives(_some(make, facts), _soon(make, 2_000, 5_000)))


def _aside(make: Maker) -> None:
    """The result comes while the person speaks to somebody else."""
    request, facts = make.asks(_START)
    at = Cue("step.begins", make.coming, after_ms=make.between(200, 1_500))
    make.aside(Cue(after_ms=make.between(1_500, 3_000)))
    make.works_on(request, make.arrives(_some(make, facts), at))


def _backchannel(make: Maker) -> None:
    """The person says "mm-hm" while the result is told."""
    request, facts = make.asks(_START)
    make.listens(Cue("fact.begins", facts[0], after_ms=make.between(500, 1_400)))
    make.works_on(request, make.arrives(facts, _soon(make)))


def _absence(make: Maker) -> None:
    """The person goes away, and the result comes meanwhile; they come back and go on."""
    request, facts = make.asks(_START)
    make.leaves(Cue(after_ms=make.between(1_500, 2_500)), make.between(30_000, 70_000))
    make.remarks(Cue(after_ms=make.between(600, 3_000)))
    make.works_on(request, make.arrives(_some(make, facts), _soon(make, 6_000, 60_000)))


def _cut_off(make: Maker) -> None:
    """The connection breaks while the work goes on, or in the middle of telling the result, and comes back."""
    request, facts = make.asks(_START)
    lasts_ms = make.between(8_000, 40_000)
    if make.odds(50):
        make.leaves(Cue("fact.begins", facts[0], after_ms=make.between(300, 1_300)), lasts_ms, cut_off=True)
        cue = _soon(make)
    else:
        make.leaves(Cue(after_ms=make.between(1_500, 2_500)), lasts_ms, cut_off=True)
        cue = _soon(make, 4_000, 30_000)
    make.remarks(Cue(after_ms=make.between(2_500, 6_000)))
    make.works_on(request, make.arrives(facts, cue))


# --- one result, and what the assistant does meanwhile ---------------------------------------------------------------


def _assistant(make: Maker) -> None:
    """The result comes while the assistant gives a long answer."""
    request, facts = make.asks(_START)
    talk = make.remarks(Cue(after_ms=make.between(1_500, 2_500)), say=LONG)
    at = Cue("step.ends", talk.id, after_ms=make.between(1_200, 3_500))
    make.works_on(request, make.arrives(_some(make, facts), at))


def _urgent(make: Maker) -> None:
    """An urgent result comes while the assistant speaks, or the person; some are critical."""
    request, facts = make.asks(_START)
    urgency: Urgency = "critical" if make.odds(40) else "high"
    if make.odds(50):
        talk = make.remarks(Cue(after_ms=make.between(1_500, 2_500)), say=LONG)
        at = Cue("step.ends", talk.id, after_ms=make.between(1_200, 3_500))
    else:
        at = Cue("step.begins", make.coming, after_ms=make.between(300, 1_500))
        make.remarks(Cue(after_ms=make.between(1_500, 3_000)))
    make.works_on(request, make.arrives(facts[:1], at, urgency=urgency))


def _follow_up(make: Maker) -> None:
    """The person asks other things while the work goes on."""
    request, facts = make.asks(_START)
    for _ in range(make.between(2, 3)):
        make.remarks(Cue(after_ms=make.between(1_500, 4_000)))
    make.works_on(request, make.arrives(_some(make, facts), _soon(make, 7_000, 16_000)))


# --- several results -------------------------------------------------------------------------------------------------


def _two(make: Maker) -> None:
    """Two results come at once, or nearly so."""
    first, facts = make.asks(_START)
    second, others = make.asks(Cue(after_ms=make.between(1_200, 2_000)))
    at = Cue("request.taken", second, after_ms=make.between(1_500, 4_000))
    make.works_on(first, make.arrives(facts[:2], at))
    make.works_on(second, make.arrives(others[:2], Cue("fact.ready", facts[0], after_ms=make.between(0, 220))))


def _partials(make: Maker) -> None:
    """The answer grows: partials, each going on with the one before, and then the whole."""
    request, facts = make.asks(_START)
    make.works_on(
        request,
        make.arrives(facts[:1], _soon(make, 1_500, 3_000), kind="partial", seq=1),
        make.arrives(facts[:2], _soon(make, 300, 3_500), kind="partial", seq=2),
        make.arrives(facts, _soon(make, 300, 3_500), seq=3),
    )


def _preliminary(make: Maker) -> None:
    """A preliminary answer is overtaken by the right one, which comes soon after it."""
    request, facts = make.asks(_START, may=1)
    first = make.arrives(facts[2:], _soon(make, 1_500, 3_500), kind="partial", seq=1)
    final = make.arrives(facts[:2], _soon(make, 50, 3_000), seq=2)
    make.works_on(request, first, msgspec.structs.replace(final, replaces=facts[2:]))
    if make.odds(50):
        make.remarks(Cue("fact.ready", facts[2], after_ms=make.between(0, 600)))


def _expiring(make: Maker) -> None:
    """A part of the answer is true for a few seconds only, and the person may be speaking in them."""
    request, facts = make.asks(_START, may=1)
    at = _soon(make, 1_500, 3_000)
    if make.odds(60):
        at = Cue("step.begins", make.coming, after_ms=make.between(300, 1_500))
        make.remarks(Cue(after_ms=make.between(1_500, 3_000)))
    perishable = make.arrives(facts[2:], at, kind="partial", seq=1)
    perishable = msgspec.structs.replace(perishable, expires_ms=make.between(1_500, 8_000))
    make.works_on(request, perishable, make.arrives(facts[:2], _soon(make, 9_000, 11_000), seq=2))


def _reordering(make: Maker) -> None:
    """The transport mixes messages up, and brings some of them twice."""
    request, facts = make.asks(_START)
    first = make.arrives(facts[:1], _soon(make, 1_500, 3_000), kind="partial", seq=1)
    second = make.arrives(facts[:2], _soon(make, 20, 900), kind="partial", seq=2)
    final = make.arrives(facts, _soon(make, 20, 2_500), seq=3)
    again = tuple(make.between(50, 4_000) for _ in range(make.between(1, 2)))
    swapped = (second, first) if make.odds(50) else (first, second)
    both = tuple(
        msgspec.structs.replace(arrival, cue=cue, again_ms=again)
        for arrival, cue in zip(swapped, (first.cue, second.cue), strict=True)
    )
    final = msgspec.structs.replace(final, again_ms=again)
    late = make.odds(40)
    make.works_on(request, both[0], *((final, both[1]) if late else (both[1], final)))


def _failure(make: Maker) -> None:
    """The worker dies after a part of the answer; a second one begins anew, and may fail honestly."""
    request, facts = make.asks(_START)
    part = make.arrives(facts[:1], _soon(make, 1_000, 2_500), kind="partial", seq=1)
    dead = Arrival(_soon(make, 300, 1_500), "dies")
    taken = Arrival(_soon(make, 500, 4_500), "running")
    again = make.arrives(facts[:1], _soon(make, 400, 1_500), kind="partial", seq=1, attempt=2)
    if make.odds(30):
        failed = Arrival(_soon(make), "error", 2, "That could not be found out.", attempt=2)
        make.works_on(request, part, dead, taken, again, failed)
    else:
        final = make.arrives(facts[:2], _soon(make), seq=2, attempt=2)
        make.works_on(request, part, dead, taken, again, final)


# --- the person changes their mind -----------------------------------------------------------------------------------


def _instead(make: Maker, old: str, stale: tuple[str, ...], cue: Cue) -> None:
    means = Meaning("Then I look for that instead.", instead_of=old, stale=stale)
    request, facts = make.asks(cue, before="no, forget it: ", means=means)
    make.works_on(request, make.arrives(facts[:1], _soon(make)))


def _superseded_before(make: Maker) -> None:
    """The request is replaced before its result comes; the result comes all the same, a little later."""
    request, facts = make.asks(_START)
    at = Cue("step.ends", make.coming, after_ms=make.between(50, 2_500))
    make.works_on(request, make.arrives(facts[:2], at), deaf=True)
    _instead(make, request, facts[:2], Cue(after_ms=make.between(1_500, 3_000)))


def _superseded_after(make: Maker) -> None:
    """The result comes while the person is saying that they want something else."""
    request, facts = make.asks(_START)
    at = Cue("step.begins", make.coming, after_ms=make.between(100, 1_800))
    make.works_on(request, make.arrives(facts[:2], at))
    _instead(make, request, facts[:2], Cue(after_ms=make.between(1_500, 3_000)))


def _superseded_amid(make: Maker) -> None:
    """The person breaks into the telling of the result: they want something else."""
    request, facts = make.asks(_START)
    make.works_on(request, make.arrives(facts, _soon(make)))
    _instead(make, request, facts, Cue("fact.begins", facts[0], after_ms=make.between(550, 1_300)))


def _corrected(make: Maker) -> None:
    """The person corrects a request that is being worked on; sometimes the old answer is on its way."""
    request, facts = make.asks(_START)
    deaf = make.odds(50)
    at = Cue("step.ends", make.coming, after_ms=make.between(100, 2_000)) if deaf else _soon(make, 15_000, 16_000)
    make.works_on(request, make.arrives(facts[:2], at), deaf=deaf)
    means = Meaning("I pass that on.", corrects=request, stale=facts[:2])
    other, right = make.asks(Cue(after_ms=make.between(1_500, 3_000)), before="I mean rather: ", means=means)
    make.works_on(other, make.arrives(right[:2], _soon(make, 1_500, 5_000)))


def _interrupted(make: Maker) -> None:
    """The person breaks into the telling of the result with something else, and still wants it."""
    request, facts = make.asks(_START)
    make.remarks(Cue("fact.begins", facts[0], after_ms=make.between(550, 1_400)))
    make.works_on(request, make.arrives(facts, _soon(make)))


FAMILIES: Final[Mapping[str, Callable[[Maker], None]]] = {
    "pause": _pause,
    "typing": _typing,
    "speaking": _speaking,
    "mid-sentence": _mid_sentence,
    "slow": _slow,
    "bursts": _bursts,
    "lines": _lines,
    "collision": _collision,
    "aside": _aside,
    "backchannel": _backchannel,
    "assistant-speaks": _assistant,
    "two-at-once": _two,
    "partials": _partials,
    "preliminary": _preliminary,
    "superseded-before": _superseded_before,
    "superseded-after": _superseded_after,
    "superseded-amid": _superseded_amid,
    "corrected": _corrected,
    "interrupted": _interrupted,
    "follow-up": _follow_up,
    "urgent": _urgent,
    "expiring": _expiring,
    "absence": _absence,
    "cut-off": _cut_off,
    "worker-failure": _failure,
    "reordering": _reordering,
}
"""What makes each family, in the order of the tables."""
