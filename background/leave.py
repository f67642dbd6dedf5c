"""Leave: a person says whether something may be done. One question at a time; whatever is not a yes is a no.

"Always" holds for the tool for the rest of the task, and for the conversation, which keeps it (`Bundle.approved`). Once
text that nobody vouches for has come into the task, it does not: that text may be what asks.
"""

from __future__ import annotations

from typing import Final, Protocol

import anyio
import msgspec

from orchestrator.bundle import Bundle
from orchestrator.consent import Consent, consent

__all__ = ["Leave", "LeaveHost", "Verdict"]

AGAIN: Final = "Sorry, yes or no: {question}"
TAINTED: Final = "Text from outside has come into this, so I ask first. {question}"


class LeaveHost(Protocol):
    """Whoever can put a question to the person."""

    @property
    def bundle(self) -> Bundle: ...

    @property
    def approval_s(self) -> float:
        """How long the person may take, in seconds."""
        ...

    async def ask(self, question: str, *, approves: str = "") -> str:
        """Ask and wait. `approves` names the tool that leave is asked for."""
        ...


class Verdict(msgspec.Struct, frozen=True):
    """What came of it. `why` is a sentence, where it was not given."""

    given: bool
    why: str = ""


class Leave:
    """What the person has given leave for, in one task."""

    def __init__(self, host: LeaveHost) -> None:
        self._host = host
        self._standing = set(host.bundle.approved)
        self._here: set[str] = set()
        """Given when the task was tainted already, and this was said."""
        self._one_at_a_time = anyio.Lock()

    async def given(self, tool: str, question: str, *, tainted: bool) -> Verdict:
        """Whether `tool` may go on."""
        async with self._one_at_a_time:
            if tool in (self._here if tainted else self._standing):
                return Verdict(True)
            asked = TAINTED.format(question=question) if tainted else question
            answer = await self._answer(tool, asked)
            if answer == "unclear":
                answer = await self._answer(tool, AGAIN.format(question=question))
            match answer:
                case "yes":
                    return Verdict(True)
                case "always":
                    self._here.add(tool)
                    if not tainted:
                        self._standing.add(tool)
                    return Verdict(True)
                case "no":
                    return Verdict(False, "The person said no.")
                case "unclear":
                    return Verdict(False, "The person gave no clear answer, and that counts as a no.")
                case None:
                    return Verdict(False, "The person did not answer in time, and that counts as a no.")

    async def _answer(self, tool: str, question: str) -> Consent | None:
        with anyio.move_on_after(self._host.approval_s):
            return consent(await self._host.ask(question, approves=tool), question)
        return None
