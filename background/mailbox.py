"""What the person said after a task was handed over, as its reasoner gets to read it.

Law: a finding counts as informed up to the newest amendment the reasoner has read, never beyond a correction that it
has not. That is what keeps an answer to the old question from being told as the answer to the new one.
"""

from __future__ import annotations

import anyio

from background.taint import Taint
from orchestrator.bundle import Amendment
from orchestrator.context import Found
from orchestrator.finding import Finding

__all__ = ["Mailbox"]


class Mailbox:
    """The amendments of one task: unread, read, and answers to its questions. They may bring its taint."""

    def __init__(self, revision: int, taint: Taint | None = None) -> None:
        self.taint: Taint = taint or Taint()
        self._begun = revision
        self._newest = revision
        self._known: list[tuple[int, int]] = []
        """First and last revision of what has been read and stands behind a gap."""
        self._unread: list[Amendment] = []
        self._seen: set[tuple[int, str, str]] = set()
        self._open: dict[str, Finding] = {}
        self._abandoned = ""
        self._answers: dict[str, Amendment] = {}
        self._changed: anyio.Event | None = None

    @property
    def revision(self) -> int:
        """Up to which revision of the conversation the reasoner is informed."""
        corrections = [item.revision for item in self._unread if item.text]
        if not corrections:
            return self._newest
        return max(self._begun, min(self._newest, min(corrections) - 1))

    @property
    def open_question(self) -> str:
        """The oldest question that waits for the person, or waited when the task was stopped; empty without one."""
        return next((question.text for question in self._open.values()), self._abandoned)

    def put(self, amendment: Amendment) -> None:
        """Take in an amendment. One that is delivered again counts once."""
        key = (amendment.revision, amendment.text, amendment.answers)
        if key in self._seen:
            return
        self._seen.add(key)
        if any(isinstance(entry, Found) and entry.finding and entry.finding.tainted for entry in amendment.entries):
            self.taint.enter()
        question = self._question_for(amendment)
        if question:
            del self._open[question]
            self._answers[question] = amendment
        else:
            self._unread.append(amendment)
        self._notify()

    def read(self) -> tuple[Amendment, ...]:
        """What has not been read yet, in order."""
        items, self._unread = tuple(self._unread), []
        self._abandoned = ""
        for item in items:
            self._inform(item)
        return items

    async def corrected(self) -> None:
        """Return as soon as there is a correction that has not been read."""
        while not any(item.text and not item.answers for item in self._unread):
            await self._change()

    async def answer(self, question: Finding) -> str:
        """Wait for the person's answer to a question that has been stamped."""
        self._open[question.id] = question
        try:
            while question.id not in self._answers:
                await self._change()
        except anyio.get_cancelled_exc_class():
            given_up = self._open.pop(question.id, None)
            self._abandoned = "" if given_up is None else given_up.text
            raise
        amendment = self._answers.pop(question.id)
        self._inform(amendment)
        return amendment.text

    def _inform(self, amendment: Amendment) -> None:
        # What stands behind a gap does not count yet: what is missing may be the correction. Until it comes the answer
        # counts as stale, and the work is done again, instead of passing for what the person asked last.
        first = amendment.entries[0].revision if amendment.entries else 0
        self._known.append((first, amendment.revision))
        for first, last in sorted(self._known):
            if first <= self._newest + 1:
                self._newest = max(self._newest, last)
        self._known = [(first, last) for first, last in self._known if first > self._newest]

    def _question_for(self, amendment: Amendment) -> str:
        if not amendment.answers:
            return ""
        if amendment.answers in self._open:
            asked = self._open[amendment.answers]
            return asked.id if amendment.question == (asked.text if asked.approves else "") else ""
        # The person answered what an earlier attempt had asked, before its worker died. This attempt has asked the
        # same again, so the answer is for its oldest question; where it has not asked, the reasoner reads it. Leave is
        # given for what was asked and for nothing else.
        for each in self._open.values():
            if (each.text == amendment.question) if amendment.question else not each.approves:
                return each.id
        return ""

    async def _change(self) -> None:
        if self._changed is None:  # made only for who waits: most tasks hear nothing
            self._changed = anyio.Event()
        await self._changed.wait()

    def _notify(self) -> None:
        if self._changed is not None:
            self._changed.set()
            self._changed = None
