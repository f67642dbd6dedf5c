"""How the bus itself ends a task that no worker should try any more, in words that a person understands."""

from __future__ import annotations

from typing import Final, Literal, assert_never

from orchestrator.finding import Finding

__all__ = ["HANDED_BACK", "Refusal", "refused"]

HANDED_BACK: Final = "handed back by a worker"
"""The reason of the `DelegationUpdate(queued)` for a task that is queued again."""

Refusal = Literal["late", "dead", "unreadable", "strange"]
"""`late`: past its deadline. `dead`: too many workers lost it. `unreadable`: written by a newer front end. `strange`:
answered, in words of a newer worker that the front end cannot read."""


def refused(refusal: Refusal, delegation: str, attempt: int, revision: int) -> Finding:
    """The error finding that ends the task."""
    match refusal:
        case "late":
            text = "The time for this ran out before a worker could take it."
        case "dead":
            text = "This was given up: every worker that took it stopped in the middle."
        case "unreadable":
            text = "The worker could not read this task; it may be older than the assistant that sent it."
        case "strange":
            text = "The answer is there, but I cannot read it: it comes from another version of Duologue."
        case _:
            assert_never(refusal)
    return Finding.error(text).stamped(delegation=delegation, attempt=attempt, seq=1, context_revision=revision)
