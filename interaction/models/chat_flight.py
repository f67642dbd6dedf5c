"""The voice's own words on their way: said by the model, paced out by the session, not yet in the conversation."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.context import Entry, Interrupted, Spoke

__all__ = ["Flight"]

_KEPT = 4_000
"""Characters; what is further back has been heard long since, whatever became of its entry."""


class Flight:
    """What was handed to the session and has not come back as heard (or cut)."""

    def __init__(self) -> None:
        self._said = ""
        self._telling = ""
        """For each character whether it tells a finding."""

    @property
    def words(self) -> str:
        """What is still being said, or waits to be."""
        return self._said.strip()

    @property
    def said_before(self) -> tuple[str, ...]:
        """The same, as what stands before the next answer."""
        return (self.words,) if self.words else ()

    def say(self, text: str, *, telling: bool = False) -> None:
        """These words have been handed to the session; `telling`: they tell a finding."""
        self._said = (self._said + text)[-_KEPT:]
        self._telling = (self._telling + "01"[telling] * len(text))[-_KEPT:]

    def end(self) -> None:
        """The utterance is whole: what follows is another one."""
        if self._said and not self._said[-1].isspace():
            self.say(" ", telling=self._telling[-1] == "1")

    def clear(self) -> None:
        """Nothing of it will be said any more."""
        self._said = self._telling = ""

    def take_back(self) -> None:
        """What tells findings will not be said: the session has taken it back, or has cut it off. Answers stay."""
        self._said = "".join(char for char, told in zip(self._said, self._telling, strict=True) if told == "0")
        self._telling = "0" * len(self._said)

    def learn(self, entries: Iterable[Entry]) -> bool:
        """Take out what the person has heard or will never hear. Returns whether they heard any of it."""
        heard = False
        for entry in entries:
            match entry:
                case Spoke(text=text, cut=cut):
                    heard = (self._take(text + cut) and bool(text.strip())) or heard
                case Interrupted():
                    self.clear()
                case _:
                    pass
        return heard

    def _take(self, text: str) -> bool:
        """The session cuts utterances at clauses and trims them, so blanks do not count."""
        places = [at for at, char in enumerate(self._said) if not char.isspace()]
        dense, wanted = "".join(self._said[at] for at in places), "".join(text.split())
        found = dense.find(wanted)
        if found < 0 or not wanted:
            return False
        end = places[found + len(wanted) - 1] + 1
        self._said, self._telling = self._said[end:], self._telling[end:]
        return True
