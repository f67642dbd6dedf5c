"""What will be done to whom, and when: drawn from a seed, so that a run that went wrong can be run again."""

from __future__ import annotations

import random
from typing import Final, Literal, TypeAlias

import msgspec

__all__ = ["KINDS", "LOSING", "PERSISTENCES", "Harm", "Kind", "Persistence", "Plan", "planned"]

Kind: TypeAlias = Literal[
    "kill worker",
    "kill front",
    "kill both",
    "freeze worker",
    "freeze front",
    "stop worker",
    "stop front",
    "move front",
    "kill redis",
    "freeze redis",
    "fill redis",
    "empty redis",
    "forget scripts",
    "kick clients",
    "cut line",
    "cut some",
    "hang line",
    "drop line",
    "tear replies",
    "swallow replies",
    "slow line",
    "close door",
]

Persistence: TypeAlias = Literal["always", "everysec", "none", "sentinels"]
"""Whether Redis has its data when it comes back. `sentinels`: a replica takes its place, with most of them."""

# How long each may last, in leases; 0 where it is over at once. After a kill it is the time until the restart.
_LASTS: Final[dict[Kind, tuple[float, float]]] = {
    "kill worker": (0.0, 2.0),
    "kill front": (0.0, 1.5),
    "kill both": (0.2, 1.5),
    "freeze worker": (1.5, 4.0),
    "freeze front": (0.5, 4.0),
    "stop worker": (0.0, 1.0),
    "stop front": (0.0, 1.0),
    "move front": (0.0, 0.0),
    "kill redis": (0.1, 4.0),
    "freeze redis": (0.3, 4.0),
    "fill redis": (0.5, 4.0),
    "empty redis": (0.0, 0.0),
    "forget scripts": (0.0, 0.0),
    "kick clients": (0.0, 0.0),
    "cut line": (0.0, 0.0),
    "cut some": (0.0, 0.0),
    "hang line": (0.5, 4.0),
    "drop line": (0.5, 3.0),
    "tear replies": (0.3, 2.0),
    "swallow replies": (0.5, 2.0),
    "slow line": (0.5, 3.0),
    "close door": (0.5, 3.0),
}
KINDS: Final[tuple[Kind, ...]] = tuple(_LASTS)

LOSING: Final[tuple[Kind, ...]] = ("empty redis",)
"""Harms after which Redis knows nothing any more, however it is kept. `kill redis` is one of them without an AOF."""

PERSISTENCES: Final[tuple[Persistence, ...]] = ("always", "everysec", "none", "sentinels")

# What happens most in real life is dealt most.
_OFTEN: Final[tuple[Kind, ...]] = (
    "kill worker",
    "kill worker",
    "kill front",
    "move front",
    "kill redis",
    "cut line",
    "tear replies",
)


_OF_THE_LINE: Final = ("line", "some", "replies", "door")

_CHANGE_MS: Final = 9_000
"""What sentinels need to put a replica in the place of its primary, and to have a replica again."""


class Harm(msgspec.Struct, frozen=True):
    """One thing done to the world. `size` is the number of bytes or connections it is about, where that means any."""

    at_ms: int
    kind: Kind
    target: int = 0
    lasts_ms: int = 0
    size: int = 0


class Plan(msgspec.Struct, frozen=True):
    """A run: who takes part, and what is done to them."""

    seed: int
    lasts_ms: int
    workers: int = 3
    fronts: int = 2
    sessions: int = 4
    """In each front end."""
    lease_ms: int = 600
    deadline_ms: int = 40_000
    max_attempts: int = 5
    persistence: Persistence = "always"
    harms: tuple[Harm, ...] = ()


def planned(
    seed: int,
    lasts_ms: int,
    *,
    kinds: tuple[Kind, ...] = KINDS,
    persistence: Persistence | None = None,
    deadline_ms: int = 40_000,
) -> Plan:
    """The run of a seed. Every kind comes before one comes a second time, but for those that are dealt more often."""
    chance = random.Random(seed)
    kept: Persistence = chance.choice(PERSISTENCES) if persistence is None else persistence
    plan = Plan(seed, lasts_ms, deadline_ms=deadline_ms, persistence=kept)
    # Sentinels tell everybody the way to the servers themselves, so there is no line to cut.
    dealt: list[Kind] = [kind for kind in kinds if kept != "sentinels" or not kind.endswith(_OF_THE_LINE)]
    often: list[Kind] = [kind for kind in _OFTEN if dealt.count(kind)]
    harms: list[Harm] = []
    free_at: dict[str, int] = {}
    deck: list[Kind] = []
    at_ms = 3 * plan.lease_ms
    while at_ms < lasts_ms:
        if not deck:
            deck += dealt
            deck += often
            chance.shuffle(deck)
        harm = _drawn(deck.pop(), at_ms, plan, chance)
        # Nothing is done to somebody to whom something is being done, and each has a lease to come to itself again.
        begins = max([at_ms, *(free_at.get(name, 0) for name in _touched(harm))])
        if begins < lasts_ms:
            harm = msgspec.structs.replace(harm, at_ms=begins)
            harms.append(harm)
            for name in _touched(harm):
                change_ms = _CHANGE_MS if kept == "sentinels" and name == "redis" else plan.lease_ms
                free_at[name] = begins + harm.lasts_ms + change_ms
        at_ms += int(plan.lease_ms * chance.uniform(0.2, 2.4))
    return msgspec.structs.replace(plan, harms=tuple(sorted(harms, key=lambda harm: harm.at_ms)))


def _drawn(kind: Kind, at_ms: int, plan: Plan, chance: random.Random) -> Harm:
    least, most = _LASTS[kind]
    lasts_ms = int(plan.lease_ms * chance.uniform(least, most))
    many = plan.workers if "worker" in kind or kind == "kill both" else plan.fronts
    return Harm(at_ms, kind, chance.randrange(many), lasts_ms, chance.choice((1, 7, 60, 400, 3_000)))


def _touched(harm: Harm) -> tuple[str, ...]:
    match harm.kind:
        case "kill worker" | "freeze worker" | "stop worker":
            return (f"worker {harm.target}",)
        case "kill front" | "freeze front" | "stop front" | "move front":
            return (f"front {harm.target}",)
        case "kill both":
            return (f"worker {harm.target}", *(f"front {number}" for number in range(8)))
        case "kill redis" | "freeze redis" | "fill redis" | "empty redis" | "forget scripts" | "kick clients":
            return ("redis",)
        case _:
            return ("line",)
