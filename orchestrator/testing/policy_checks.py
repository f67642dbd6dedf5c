"""Conformance of a timing policy: what must hold for any rule about when findings are spoken."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Final, get_args

from orchestrator.clock import from_ms
from orchestrator.decisions import Drop, Hold, Splice
from orchestrator.effects import Floor
from orchestrator.finding import Channel, Finding, Kind, Urgency
from orchestrator.timing.moment import Moment, Pending, TimingPolicy

__all__ = ["check_timing_policy", "moments", "pendings"]

_NOW: Final = from_ms(60_000)


def moments() -> Iterator[Moment]:
    """Moments of every kind: who has the floor, how quiet it is, what is being said, what is due."""
    floors: tuple[Floor, ...] = get_args(Floor)
    for floor, quiet_ms, remaining, reply_due, running in product(
        floors, (0, 250, 5_000), (0, 20, 400), (False, True), (0, 2)
    ):
        yield Moment(
            now=_NOW,
            floor=floor,
            quiet_ms=quiet_ms,
            ended=quiet_ms != 250,
            reply_due=reply_due,
            remaining_chars=remaining,
            to_clause_chars=min(remaining, 12),
            delivering=("s-9.1",) if remaining == 20 else (),
            running=running,
        )


def pendings() -> Iterator[tuple[Pending, ...]]:
    """What may be owed: each kind, channel and urgency, fresh and old, alone and with another."""
    kinds: tuple[Kind, ...] = get_args(Kind)
    for kind, channel, urgency, age_ms in product(kinds, get_args(Channel), get_args(Urgency), (0, 30_000)):
        finding = Finding("text", kind, delegation="s-1", seq=2, channel=channel, urgency=urgency, expires_at_ms=50_000)
        since = from_ms(60_000 - age_ms)
        pending = Pending(finding, since, since, offers=1, unspoken=2 if age_ms else 0, cuts=1, said="te")
        other = Pending(Finding("other", delegation="s-2", seq=1), _NOW, _NOW)
        yield (pending,)
        yield (pending, other)


def check_timing_policy(policy: TimingPolicy) -> None:
    """Try `policy` at many moments. Raises `AssertionError`, naming the moment, where it breaks a law.

    The laws: equal in, equal out; every decision has a reason and is about what is pending; a finished result is never
    dropped unless it is superseded; nothing is spoken while the person holds the floor unless the decision says so
    (`over_person`); what is shown is not spoken, and what is announced waits for the floor.
    """
    for moment in moments():
        for pending in pendings():
            decision = policy.decide(moment, pending)
            where = f"at {moment} with {pending}: {decision}"
            assert decision == policy.decide(moment, pending), f"it wavers {where}"
            if decision is None:
                continue
            assert decision.reason, f"no reason {where}"
            ids = {item.id for item in pending}
            assert set(decision.findings) <= ids, f"about what is not pending {where}"
            finished = {item.id for item in pending if item.finding.terminal}
            match decision:
                case Hold():
                    pass
                case Drop():
                    assert decision.findings, f"drops nothing {where}"
                    assert decision.state == "superseded" or not finished & set(decision.findings), f"loses {where}"
                case Splice():
                    assert decision.findings, f"splices nothing {where}"
                    over = moment.floor in ("person", "both") and decision.style not in ("card", "announce")
                    assert decision.over_person or not over, f"speaks over the person {where}"
