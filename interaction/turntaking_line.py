"""What the person has said since the voice last answered: entered lines, and the line that is still open.

It follows the session's own book-keeping: Enter and a reported silence close a line, a deletion reaches back to the
line's beginning and no further, and a line that goes on after it was answered gives only what is new.
"""

from __future__ import annotations

import msgspec

__all__ = ["Line"]


class Line(msgspec.Struct):
    """The words that wait for an answer. Lines are joined by a line break, as they stand in the conversation."""

    entered: list[str] = msgspec.field(default_factory=list[str])
    """Closed lines without an answer, without space round them."""
    text: str = ""
    """The open line from its beginning."""
    answered: int = 0
    """How many characters of the open line have been answered."""
    corrects: str = ""
    """Words that were answered and have been taken back since."""
    carried: bool = False
    """Whether the first closed line goes on from one that was answered."""
    asked: str | None = None
    """What an answer was asked for, and has not begun yet."""
    asked_lines: int = 0
    asked_chars: int = 0

    def insert(self, text: str) -> None:
        """The person goes on."""
        self.text += text

    def delete(self, count: int) -> None:
        """The person takes back `count` characters."""
        left = max(len(self.text) - count, 0)
        if left < self.answered:
            self.corrects = self.text[left : self.answered] + self.corrects
            self.answered = left
        self.text = self.text[:left]

    def enter(self) -> None:
        """The line is closed: nothing can be taken back any more."""
        part, whole = self.fresh.strip(), self.text.strip()
        if not self.entered:
            self.carried = bool(part and self.text[: self.answered].strip())
        if part:
            self.entered.append(part)
        elif whole and self.corrects.strip():
            # Shortened after it was answered and entered so: what is left is what they want.
            self.entered.append(whole)
        else:
            self.corrects = ""
        self.text, self.answered = "", 0

    @property
    def fresh(self) -> str:
        """What of the open line has not been answered."""
        return self.text[self.answered :]

    @property
    def pending(self) -> str:
        """All that waits for an answer; the open line without space round it."""
        part = self.fresh.strip()
        return "\n".join([*self.entered, part] if part else self.entered)

    @property
    def continues(self) -> bool:
        """Whether what waits goes on from a line that was answered."""
        return self.carried if self.entered else bool(self.text[: self.answered].strip())

    @property
    def closed(self) -> bool:
        """Whether the person has closed all that waits."""
        return bool(self.entered) and not self.fresh.strip()

    @property
    def added(self) -> str:
        """What was said after an answer was asked for; without one, all that waits."""
        if self.asked is None:
            return self.pending
        after = [*self.entered[self.asked_lines :], self.fresh]
        after[0] = after[0][self.asked_chars :]
        return "\n".join(part.strip() for part in after if part.strip())

    def ask(self) -> None:
        """An answer to all that waits is asked for."""
        self.asked, self.asked_lines, self.asked_chars = self.pending, len(self.entered), len(self.fresh.rstrip())

    def reopen(self) -> None:
        """The answer is not wanted any more as it was asked for: its words wait again, with what came after."""
        self.asked = None

    def settle(self) -> None:
        """The answer has begun: what it was asked for waits no longer."""
        if self.asked is None:
            return
        if len(self.entered) > self.asked_lines:
            first = self.entered[self.asked_lines][self.asked_chars :].strip()
            self.entered = [*([first] if first else []), *self.entered[self.asked_lines + 1 :]]
            self.carried = bool(first and self.asked_chars)
        else:
            self.entered = []
            self.answered = min(self.answered + self.asked_chars, len(self.text))
        self.asked, self.corrects = None, ""
