"""When a finding is spoken: a policy is a value with one pure method.

`decide(moment, pending)` returns a decision, or `None` for "I have no opinion" (then the next policy is asked).
Policies are small frozen structs that compose; `default_policy()` is the composition Duologue uses, and `NAMED` holds
it and others by name.
"""

from orchestrator.timing.baselines import BASELINES
from orchestrator.timing.boundary import AtBoundary
from orchestrator.timing.composing import FirstOf
from orchestrator.timing.default import default_policy
from orchestrator.timing.freshness import Expire, SilentProgress, Supersede
from orchestrator.timing.gap import Ahead, AnswerFirst, WaitForGap
from orchestrator.timing.moment import Moment, Pending, TimingPolicy
from orchestrator.timing.named import NAMED
from orchestrator.timing.ordering import Budget, InOrder, in_order
from orchestrator.timing.patience import Announce, MovedOn, Patience, Shorten, ShowToTyping
from orchestrator.timing.settling import Settle
from orchestrator.timing.telling import Speak
from orchestrator.timing.urgency import Urgent

__all__ = [
    "BASELINES",
    "NAMED",
    "Ahead",
    "Announce",
    "AnswerFirst",
    "AtBoundary",
    "Budget",
    "Expire",
    "FirstOf",
    "InOrder",
    "Moment",
    "MovedOn",
    "Patience",
    "Pending",
    "Settle",
    "Shorten",
    "ShowToTyping",
    "SilentProgress",
    "Speak",
    "Supersede",
    "TimingPolicy",
    "Urgent",
    "WaitForGap",
    "default_policy",
    "in_order",
]
