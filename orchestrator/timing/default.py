"""Duologue's own composition. The figures that chose its thresholds stand in docs/timing.md."""

from __future__ import annotations

from orchestrator.timing.boundary import AtBoundary
from orchestrator.timing.composing import FirstOf
from orchestrator.timing.freshness import Expire, SilentProgress, Supersede
from orchestrator.timing.gap import Ahead, AnswerFirst, WaitForGap
from orchestrator.timing.ordering import Budget, InOrder
from orchestrator.timing.patience import Announce, MovedOn, Patience, Shorten, ShowToTyping
from orchestrator.timing.settling import Settle
from orchestrator.timing.telling import Speak
from orchestrator.timing.urgency import Urgent

__all__ = ["default_policy"]


def default_policy(
    *,
    gap: WaitForGap = WaitForGap(),  # noqa: B008 (a frozen value)
    boundary: AtBoundary = AtBoundary(ahead_chars=40),  # noqa: B008
    settle: Settle = Settle(),  # noqa: B008
    ahead_ms: int = 600,
    shorten_ms: int = 15_000,
    card_ms: int = 20_000,
    announce_ms: int = 60_000,
) -> FirstOf:
    """Duologue's own composition. Each argument is one threshold, for those who want it otherwise.

    What is stale goes first; then what is urgent; then what has waited too long; then the rest, at a gap, after the
    answer that is due, at a boundary of the assistant's own speech, together with what arrives with it.
    """
    at_once = FirstOf((AnswerFirst(), AtBoundary(finish_chars=0), Speak(reason="urgent: at the first gap")))
    urgent = Ahead(gap, at_once, ahead_ms)
    usual = Ahead(gap, FirstOf((MovedOn(), AnswerFirst(), boundary, settle, Speak())), ahead_ms)
    return FirstOf(
        (
            Expire(margin_ms=800, char_ms=6),
            Supersede(),
            SilentProgress(),
            InOrder(Urgent(urgent)),
            Patience(announce_ms, Announce()),
            Patience(card_ms, ShowToTyping()),
            InOrder(Shorten(shorten_ms, Budget(usual))),
        )
    )
