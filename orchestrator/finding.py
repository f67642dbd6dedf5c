"""A finding: one thing a background reasoner has to tell, and the event of its arrival.

The struct on the wire, the event in the journal and the value a reasoner yields are one and the same. A reasoner writes
`Finding.final("...")`; the worker stamps it with what only the worker knows (delegation, attempt, number).
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

__all__ = ["CRITICAL", "Channel", "Finding", "Kind", "Source", "Urgency"]

Kind = Literal["progress", "partial", "final", "error", "question"]
"""`progress`: work goes on. `partial`: a part of the answer. `final`: the answer. `error`: why there is none.
`question`: the background asks the person something; the answer returns as an amendment."""

Channel = Literal["commentary", "thinking"]
"""`commentary` may be spoken; `thinking` is silent context for the voice (the names are OpenAI Live's)."""

Urgency = Literal["low", "normal", "high", "critical"]
"""`high` skips the settling and interrupts the assistant's own speech; `critical` is spoken over the person too."""

CRITICAL: Final = "critical"


def _final() -> Kind:
    return "final"


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a fact comes from: a `title` fit to be said aloud, and a `place` (path with line, or address)."""

    title: str
    place: str = ""


class Finding(msgspec.Struct, frozen=True, tag_field="type", tag="finding", omit_defaults=True):
    """What a background reasoner found. Also the event of its arrival (tag `finding`).

    A finding is identified by `(delegation, attempt, seq)`; a second arrival of the same is ignored. `id` is derived
    from the three and is what journals, `Emit.about` and decisions name. `final` and `error` are terminal: a delegation
    gets exactly one. `expires_at_ms` (milliseconds of session time) counts for `progress` and `partial` only: what is
    finished is never lost to a timer.
    """

    text: str
    # A factory, since a default that is not a plain value is written out: a line must say what kind of finding it is.
    kind: Kind = msgspec.field(default_factory=_final)
    id: str = ""
    delegation: str = ""
    seq: int = 0
    attempt: int = 1
    channel: Channel = "commentary"
    urgency: Urgency = "normal"
    data: dict[str, Any] | None = None
    sources: tuple[Source, ...] = ()
    expires_at_ms: int | None = None
    supersedes: tuple[str, ...] = ()
    """Ids of findings of the same delegation that this one replaces."""
    context_revision: int = 0
    """The context revision the reasoner had read when it wrote this; older than a correction means stale."""
    tainted: bool = False
    """Whether text that nobody vouches for (a web page, a foreign server) has entered the task by now."""
    approves: str = ""
    """Only a question: the tool that it asks leave for. A person who answers "always" gives it for the conversation."""

    def __post_init__(self) -> None:
        if type(self.text) is not str:
            # Some SDKs answer with a kind of text of their own, which is no text to the wire.
            msgspec.structs.force_setattr(self, "text", str.__str__(self.text))
        if self.delegation and not self.id:
            tail = f"{self.seq}" if self.attempt == 1 else f"{self.attempt}.{self.seq}"
            msgspec.structs.force_setattr(self, "id", f"{self.delegation}.{tail}")

    @property
    def terminal(self) -> bool:
        """Whether this is the one answer a delegation ends with."""
        return self.kind in ("final", "error")

    @classmethod
    def final(cls, text: str, *, sources: tuple[Source, ...] = (), data: dict[str, Any] | None = None) -> Finding:
        """The answer."""
        return cls(text, "final", sources=sources, data=data)

    @classmethod
    def partial(cls, text: str, *, sources: tuple[Source, ...] = ()) -> Finding:
        """A part of the answer that may be spoken before the rest is there.

        A later partial, and the final, may begin with the whole text of this one and go on after its last sentence:
        then what the person has heard of it is not told again. A text that begins otherwise is told whole.
        """
        return cls(text, "partial", sources=sources)

    @classmethod
    def progress(cls, text: str) -> Finding:
        """What is being done just now. Shown; not spoken by the default timing."""
        return cls(text, "progress")

    @classmethod
    def error(cls, text: str) -> Finding:
        """Why there is no answer, in words a person understands."""
        return cls(text, "error")

    @classmethod
    def question(cls, text: str) -> Finding:
        """Something only the person can answer."""
        return cls(text, "question", urgency="high")

    def stamped(
        self, *, delegation: str, attempt: int, seq: int, context_revision: int, tainted: bool = False
    ) -> Finding:
        """The same finding with its identity; done once, by the worker (or by the session for its own)."""
        return msgspec.structs.replace(
            self,
            id="",
            delegation=delegation,
            attempt=attempt,
            seq=seq,
            context_revision=context_revision,
            tainted=tainted,
        )
