"""When a finding is spoken: a policy is a value with one pure method.

`decide(moment, pending)` returns a decision, or `None` for "I have no opinion" (then the next policy is asked).
Policies are small frozen structs that compose; `default_policy()` is the composition Duologue uses.
"""

from orchestrator.timing.moment import Moment, Pending, TimingPolicy
from orchestrator.timing.policies import (
    AnswerFirst,
    AtBoundary,
    Expire,
    FirstOf,
    MovedOn,
    Patience,
    Settle,
    ShowToTyping,
    SilentProgress,
    Speak,
    Supersede,
    Urgent,
    WaitForGap,
    default_policy,
)

__all__ = [
    "AnswerFirst",
    "AtBoundary",
    "Expire",
    "FirstOf",
    "Moment",
    "MovedOn",
    "Patience",
    "Pending",
    "Settle",
    "ShowToTyping",
    "SilentProgress",
    "Speak",
    "Supersede",
    "TimingPolicy",
    "Urgent",
    "WaitForGap",
    "default_policy",
]
