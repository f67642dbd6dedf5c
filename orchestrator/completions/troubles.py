"""What can go wrong with a model, by who has to do something about it."""

from __future__ import annotations

from typing import Final, Literal

from orchestrator.errors import ModelError

__all__ = ["TRANSIENT", "Cause", "ModelTrouble"]

Cause = Literal[
    "rate limit",
    "quota",
    "key",
    "model name",
    "network",
    "server",
    "busy",
    "bad request",
    "too long",
    "refused",
    "cut off",
    "stalled",
    "forbidden by test",
]
"""`rate limit`: too many requests, try later. `quota`: nothing left to spend. `key`: none, or a wrong one.
`model name`: no such model there. `network`: the server cannot be reached. `server`: it failed (5xx). `busy`: it is
overloaded or still loading. `bad request`: it does not take what was sent. `too long`: the prompt does not fit its
window. `refused`: its content filter. `cut off`: the stream broke in the middle. `stalled`: it sends nothing any more.
`forbidden by test`: the switch in `orchestrator.testing` forbids real calls."""

TRANSIENT: Final[frozenset[Cause]] = frozenset({"rate limit", "network", "server", "busy", "cut off", "stalled"})
"""What may be over at the next try."""


class ModelTrouble(ModelError):
    """A model call came to nothing. `retry_after_s` is the server's own hint, where it gave one."""

    def __init__(
        self,
        cause: Cause,
        what: str,
        why: str = "",
        todo: str = "",
        *,
        retry_after_s: float | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(what, why, todo)
        self.cause: Cause = cause
        self.retry_after_s = retry_after_s
        self.status = status

    @property
    def transient(self) -> bool:
        """Whether the same call may work later."""
        return self.cause in TRANSIENT
