"""What can go wrong with a model, by who has to do something about it."""

from __future__ import annotations

from typing import Final, Literal

from orchestrator.errors import ModelError

__all__ = ["TRANSIENT", "Cause", "ModelTrouble", "spoken"]

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
    """A model call came to nothing.

    `retry_after_s` is the server's own hint, where it gave one. `model` is the name that was asked for, where that is
    the trouble.
    """

    def __init__(
        self,
        cause: Cause,
        what: str,
        why: str = "",
        todo: str = "",
        *,
        retry_after_s: float | None = None,
        status: int | None = None,
        model: str = "",
    ) -> None:
        super().__init__(what, why, todo)
        self.cause: Cause = cause
        self.retry_after_s = retry_after_s
        self.status = status
        self.model = model

    @property
    def transient(self) -> bool:
        """Whether the same call may work later."""
        return self.cause in TRANSIENT


_SPOKEN: Final[dict[Cause, str]] = {
    "rate limit": "The model server wants fewer requests just now{wait}",
    "quota": "The account at the model server has nothing left to spend; top it up and ask again.",
    "key": "The model server says the key is missing or wrong; {todo} and start again.",
    "model name": "The model server does not know {model}; start again with another one.",
    "network": "I cannot reach the model server; see whether it runs, and ask again.",
    "server": "The model server failed; ask again in a moment.",
    "busy": "The model server is busy or still loading{wait}",
    "bad request": "The model server did not take what I sent; its settings need a look.",
    "too long": "This has become too long for the model; let us begin anew, or shorter.",
    "refused": "The model server will not answer that; say it otherwise.",
    "cut off": "The answer broke off on its way; ask again.",
    "stalled": "The model server has gone silent; ask again in a moment.",
    "forbidden by test": "Real models are forbidden in this test run.",
}


def spoken(trouble: ModelTrouble) -> str:
    """One short sentence for the person in a conversation. No address, no key, nothing the server said."""
    wait = trouble.retry_after_s
    again = f"; ask again in {_rounded(wait)}." if wait is not None and wait >= 2 else "; ask again in a moment."
    todo = trouble.todo.partition(",")[0].rstrip(".")
    todo = todo[:1].lower() + todo[1:] if todo.startswith("Set ") else "correct it"
    # The name of a model is what the person gave, so they may hear it; but it is theirs, and no sentence.
    model = "".join(letter for letter in trouble.model if letter.isprintable())[:60] or "that model"
    return _SPOKEN[trouble.cause].format(wait=again, todo=todo, model=model)


def _rounded(seconds: float) -> str:
    if seconds < 90:
        return f"{round(seconds)} seconds"
    return f"{round(seconds / 60)} minutes" if seconds < 5_400 else f"{round(seconds / 3_600)} hours"
