"""What the person has given leave for, and whether text that nobody vouches for has entered the conversation.

Law: leave comes from the person's own words. A voice may pass an answer on, but what it makes of it is not what counts:
a model can misread a "no", and a page can talk it into a "yes". So the answer to a question for leave is what the
person has said since they heard the question, word for word; and where they have said nothing, there is none.
"""

from __future__ import annotations

import msgspec

from orchestrator.consent import consent
from orchestrator.context import Context, Said
from orchestrator.finding import Finding

__all__ = ["Asked", "Leave"]


class Asked(msgspec.Struct, frozen=True):
    """A question for leave that the person has heard."""

    tool: str
    text: str
    tainted: bool
    revision: int
    """Of the conversation when it had been heard: the answer stands after it."""


class Leave(msgspec.Struct):
    """Of one conversation."""

    tainted: bool = False
    """Never ends: what stands in the conversation is read again with every task."""
    approved: list[str] = msgspec.field(default_factory=list[str])
    """The tools for which the person has said "always"."""
    asked: dict[str, Asked] = msgspec.field(default_factory=dict[str, Asked])
    """By finding."""
    known: list[str] = msgspec.field(default_factory=list[str])
    """Every question for leave that has come in, heard or not."""

    def arrived(self, finding: Finding) -> None:
        """A finding has come in."""
        self.tainted = self.tainted or finding.tainted
        if finding.approves and finding.id not in self.known:
            self.known.append(finding.id)

    def heard(self, question: Finding, revision: int) -> None:
        """The person has heard a question, by `revision` of the conversation."""
        if question.approves:
            self.asked[question.id] = Asked(question.approves, question.text, question.tainted, revision)

    def answer(self, question: str, context: Context, said: str) -> tuple[str, str] | None:
        """What is passed on as the answer to `question`: the text, and the question where it was one for leave.

        `said` is what the voice makes of it, which goes on as it is to a question of another kind. `None` where the
        person has not answered.
        """
        if question not in self.known:
            return said, ""
        asked = self.asked.get(question)
        if asked is None:
            return None
        entries = context.view(asked.revision)
        words = " ".join(entry.text.strip() for entry in entries if isinstance(entry, Said) and not entry.backchannel)
        if not words.strip():
            return None
        del self.asked[question]
        meant = consent(words, asked.text)
        if meant == "always" and not asked.tainted and asked.tool not in self.approved:
            self.approved.append(asked.tool)
        if meant == "no" and asked.tool in self.approved:
            self.approved.remove(asked.tool)
        return words, asked.text
