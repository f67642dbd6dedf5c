"""Policies by name: what a benchmark, a replay or a configuration file can ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from orchestrator.timing.baselines import BASELINES
from orchestrator.timing.boundary import AtBoundary
from orchestrator.timing.composing import FirstOf
from orchestrator.timing.default import default_policy
from orchestrator.timing.gap import WaitForGap
from orchestrator.timing.moment import TimingPolicy
from orchestrator.timing.telling import Speak

__all__ = ["NAMED"]


def _gap() -> TimingPolicy:
    return FirstOf((WaitForGap(), AtBoundary(), Speak()))


NAMED: Final[Mapping[str, Callable[[], TimingPolicy]]] = {
    "default": default_policy,
    "gap": _gap,
    **BASELINES,
}
"""Each value makes the policy anew. `default` is what a session uses when nothing is said; `gap` waits for a gap and
for the assistant's clause, and does nothing else; the others are the rules of other projects (`BASELINES`), which a
session plays with `lawful=False`."""
