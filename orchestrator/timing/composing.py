"""Policies made of policies: the first that has an opinion counts."""

from __future__ import annotations

import msgspec

from orchestrator.decisions import Decision, Hold
from orchestrator.timing.moment import Moment, Pending, TimingPolicy, ids

__all__ = ["FirstOf"]


class FirstOf(msgspec.Struct, frozen=True, tag=True):
    """Asks each policy in order; the first opinion counts. Nobody has one: hold."""

    policies: tuple[TimingPolicy, ...]

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision:
        for policy in self.policies:
            decision = policy.decide(moment, pending)
            if decision is not None:
                return decision
        return Hold("no policy had an opinion", ids(pending))
