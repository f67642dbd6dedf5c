"""What a session can be told to do otherwise. Every value has a default that works."""

from __future__ import annotations

from typing import Literal

import msgspec

from orchestrator.errors import ConfigError

__all__ = ["SessionConfig"]


class SessionConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """Times are in milliseconds of session time."""

    id: str = "s"
    """Begins every delegation id; letters, digits, `-` and `_`."""
    run: str = ""
    """Told apart from other runs of the same `id`, where their tasks meet on one bus; a part of delegation ids."""
    tick_ms: int = 200
    """The micro-turn grid."""
    early_ms: int = 20
    """An edge may start a micro-turn early, at least this long after the last one."""
    pace: int | None = 60
    """Characters of speech a second, for text; `None`: as fast as the voice writes."""
    hearing: Literal["shown", "reported"] = "shown"
    """`shown`: what is emitted counts as heard (a screen). `reported`: only what `UserHeard` confirms (a
    loudspeaker)."""
    draft_hold_ms: int = 1_500
    """How long after the last key an unfinished line still holds the floor."""
    sentence_hold_ms: int = 600
    """The same for a line that ends a sentence, and for a possible backchannel."""
    activity_hold_ms: int = 30_000
    """How long `typing` or `speaking` holds the floor when a client forgets to end it."""
    unclaimed_ms: int = 3_000
    """How long a task may lie unclaimed before the person is told."""
    deadline_ms: int = 120_000
    """How long a task may take where the voice does not say."""
    grace_ms: int = 2_000
    """How much later than the worker the session itself gives a task up."""
    reply_ms: int = 5_000
    """How long a result waits for the voice to answer the person first."""
    offer_ms: int = 8_000
    """How long the voice may take to phrase a finding; then it is offered again."""
    reassure_ms: int | None = 12_000
    """After how much silence the person is told that a task still runs (then ever more rarely); `None`: never."""
    resume_ms: int = 5_000
    """After a break: how long open tasks have to tell again what they found, before anything is said about them."""
    pool: str = ""
    """The worker pool for tasks that name neither a pool nor a tool."""
    routes: dict[str, str] = {}
    """Which pool has which tool."""
    wants_silence: bool = False
    """Whether the voice is stepped at every grid point, also when nothing happened."""
    longest_draft: int = 100_000
    """Characters of one unfinished line that are kept; the rest is cut, and said so."""
    lawful: bool = True
    """`False` only to measure the rules of others (`orchestrator.timing.BASELINES`): then a policy may drop a finished
    result, and a changed request is one more task, so that the answer to the old one is told too."""

    def __post_init__(self) -> None:
        if not self.id or not all(letter.isalnum() or letter in "-_" for letter in self.id):
            raise ConfigError(
                f"the session id {self.id!r} cannot be used",
                "it becomes a part of keys and of delegation ids",
                "use letters, digits, '-' and '_'",
            )
        if not 20 <= self.tick_ms <= 10_000 or not 1 <= self.early_ms <= self.tick_ms:
            raise ConfigError(
                f"a grid of {self.tick_ms} ms with early turns after {self.early_ms} ms cannot be kept",
                "the grid is 20 to 10,000 ms and an early turn comes within it",
                "leave tick_ms at 200 and early_ms at 20",
            )
        if self.pace is not None and self.pace < 1:
            raise ConfigError(
                f"a pace of {self.pace} characters a second says nothing", "", "use 1 or more, or None for no pacing"
            )
