"""What the guard remembers of the conversation: what was said, what was found, and what became of it. Bounded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from orchestrator.context import Entry, Found, Said, Settled, Spoke
from orchestrator.effects import Offer
from orchestrator.finding import Finding

__all__ = ["GuardMemory"]

_LINES: Final = 40
_SPOKEN: Final = 12
_FINDINGS: Final = 32
_GONE: Final = 4
_GONE_ANSWERS: Final = 3
"""Answers after which a finding that is no longer current is not in the model's way any more."""


class GuardMemory(msgspec.Struct):
    """What was said and found, learned from the entries of the conversation."""

    lines: list[str] = msgspec.field(default_factory=list[str])
    """The person's words."""
    spoken: list[str] = msgspec.field(default_factory=list[str])
    """What they heard of the assistant's utterances, oldest first."""
    findings: dict[str, Finding] = msgspec.field(default_factory=dict[str, Finding])
    heard: dict[str, None] = msgspec.field(default_factory=dict[str, None])
    """Findings that were heard to the end, or needed no words; in order."""
    gone: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    """Findings that are not current any more, with the answers left in which that matters."""
    revision: int = 0

    def learn(self, entries: Iterable[Entry]) -> None:
        """Take in entries of the conversation; those that are known are passed over."""
        for entry in entries:
            if 0 < entry.revision <= self.revision:
                continue
            self.revision = max(self.revision, entry.revision)
            if isinstance(entry, Said):
                self.line(entry.text)
            elif isinstance(entry, Spoke) and entry.text.strip():
                self.spoken = [*self.spoken[1 - _SPOKEN :], entry.text]
            elif isinstance(entry, Found) and entry.finding is not None:
                self._find(entry.finding)
            elif isinstance(entry, Settled):
                self._settle(entry.finding, entry.state)

    def line(self, text: str) -> None:
        """The person has said `text`."""
        if text.strip() and text not in self.lines[-2:]:
            self.lines = [*self.lines[1 - _LINES :], text]

    def offered(self, offers: Iterable[Offer]) -> None:
        """These are to be told."""
        for offer in offers:
            self._find(offer.finding)
            self.gone.pop(offer.finding.id, None)

    def answer(self) -> None:
        """A new answer begins."""
        self.gone = {name: left - 1 for name, left in self.gone.items() if left > 0}

    def withdrawn(self) -> tuple[Finding, ...]:
        """The findings that are not to be told any more."""
        return tuple(self.findings[name] for name in self.gone if name in self.findings)

    def told(self) -> list[str]:
        """What was found and has been heard."""
        return [self.findings[name].text for name in self.heard if name in self.findings]

    def _find(self, finding: Finding) -> None:
        self.findings[finding.id] = finding
        for name in finding.supersedes:
            self._settle(name, "superseded")
        while len(self.findings) > _FINDINGS:
            del self.findings[next(iter(self.findings))]

    def _settle(self, name: str, state: str) -> None:
        if state in ("heard", "acknowledged"):
            self.heard[name] = None
        elif name in self.findings and name not in self.heard:
            self.gone[name] = _GONE_ANSWERS
        for kept, most in ((self.heard, _FINDINGS), (self.gone, _GONE)):
            while len(kept) > most:
                del kept[next(iter(kept))]
