"""What a worker can be told to do otherwise. Every value has a default that works."""

from __future__ import annotations

import msgspec

from orchestrator.errors import ConfigError

__all__ = ["WorkerSettings"]


class WorkerSettings(msgspec.Struct, frozen=True, omit_defaults=True):
    """Times are in seconds."""

    grace_s: float = 10.0
    """How long a drain waits for running tasks before it hands them back."""
    hand_back_s: float = 2.0
    """How long a cancelled worker may still take to give a task back (or to send an answer that was ready)."""
    outbox: int = 256
    """Findings of one task that may wait for the bus; a reasoner that writes more waits with them."""
    flush_s: float = 0.02
    """What a task finds within this time goes out together, the first of it at once. Questions, urgent findings and the
    answer do not wait."""
    progress_s: float = 0.1
    """Progress of one tool goes out at once, then at most once in this time, the newest of it."""
    retry_s: float = 0.05
    """First pause before the bus is tried again; each further one is twice as long."""
    longest_retry_s: float = 2.0
    replay_s: float = 0.05
    """How long a later attempt of a task lets what was said to the earlier ones arrive before it begins."""
    approval_s: float = 60.0
    """How long the person may take to give leave; no answer in time is a no."""

    def __post_init__(self) -> None:
        pauses = (self.replay_s, self.flush_s, self.progress_s, self.retry_s, self.longest_retry_s)
        times = (*pauses, self.grace_s, self.hand_back_s, self.approval_s)
        if min(times) < 0 or self.outbox < 1:
            raise ConfigError(
                "these worker settings cannot be kept",
                "times are seconds of 0 or more; the outbox holds 1 or more",
                "leave out what you do not need to change: every setting has a default",
            )
