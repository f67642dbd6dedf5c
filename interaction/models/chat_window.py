"""What becomes of a prompt that outgrows its window: the older part is summarised while the talk goes on.

At a request boundary a new era begins: the same system message, one message with the summary and with what stands
(kept mechanically, by no model), and everything newer, unchanged. From there the prompt grows again. No clock, no
await, no chance.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from interaction.models import chat_words
from interaction.models.chat_frames import shortened
from interaction.models.chat_log import Line, line
from interaction.models.chat_prompt import Prompt, PromptSettings
from orchestrator.completions.asking import Message
from orchestrator.completions.profile import Profile

__all__ = ["SummaryRequest", "Window"]

_FRAME: Final = re.compile(r'<\S+ kind="(\w+)"([^\n]*)>\n(.*)\n</\S+>', re.DOTALL)
_KEEP: Final = re.compile(r"^\W*KEEP\W*:\W*(.*)$", re.IGNORECASE)
_MOST_WISHES: Final = 40
_LONGEST_WISH: Final = 300
_LONGEST_LINE: Final = 800
_CUT_TO: Final = 400
_SUMMARY_TOKENS: Final = 800
_LEAST_ANSWER: Final = 256
_UNCERTAIN: Final = 0.05
"""Share of the window by which the estimate of a prompt may be wrong."""
_UNSUNG: Final = frozenset({"status", "tell"})
"""What was told to the voice alone and is over."""


class SummaryRequest(msgspec.Struct, frozen=True):
    """A call that is to be made in the background; its answer goes to `Window.roll`."""

    messages: tuple[Message, ...]
    upto: int
    """The revision of the conversation up to which it reaches."""
    max_tokens: int


class Window:
    """Keeps one prompt within its window."""

    def __init__(self, prompt: Prompt, *, profile: Profile, settings: PromptSettings | None = None) -> None:
        settings = settings or PromptSettings()
        self._prompt = prompt
        self._settings = settings
        self._tokens = settings.window or profile.window
        self._asked = False
        self._summary = ""
        self._wishes: list[str] = []

    def due(self) -> SummaryRequest | None:
        """What is to be summarised now; `None` where there is room, or where a summary is being made.

        After it one of `roll` and `drop` is owed.
        """
        if self._asked or self._prompt.estimated_tokens < self._limit:
            return None
        lines = self._prompt.log.lines
        at = self._boundary(self._keep)
        if at == 0:
            return None
        self._asked = True
        room = max(self._chars(self._settings.hard * self._tokens - _SUMMARY_TOKENS), _LONGEST_LINE)
        transcript = shortened("\n".join(_spoken(lines[:at])), room)
        messages: tuple[Message, ...] = (
            {"role": "system", "content": chat_words.SUMMARISER},
            {"role": "user", "content": chat_words.SUMMARY_TASK.format(transcript=transcript)},
        )
        return SummaryRequest(messages, lines[at - 1].revision, self._summary_tokens)

    def roll(self, summary: str, upto: int) -> None:
        """Begin a new era with a summary of everything up to revision `upto`. At a request boundary."""
        self._asked = False
        told: list[str] = []
        for each in summary.strip().splitlines():
            wish = _KEEP.match(each)
            if wish is None:
                told.append(each)
            elif wish[1].strip():
                self._wish(shortened(wish[1].strip(), _LONGEST_WISH))
        self._summary = shortened("\n".join(told).strip(), self._chars(self._summary_tokens))
        self._restart([each for each in self._prompt.log.lines if each.revision > upto])

    def drop(self) -> None:
        """Begin a new era without a summary, because there is none: the older half goes, and what stands is kept."""
        self._asked = False
        lines = [each for each in self._prompt.log.lines if each.kind != "summary"]
        half = sum(each.chars for each in lines) / 2
        at = 0
        while at < len(lines) and half > 0:
            half -= lines[at].chars
            at += 1
        self._restart(lines[at:])

    def too_long(self) -> bool:
        """The server finds the prompt too long: its window is smaller than was known. Returns whether it is shorter
        now."""
        self._prompt.messages()
        before = self._prompt.estimated_tokens
        self._tokens = min(self._tokens, before)
        return self.fit() and self._prompt.estimated_tokens < before

    def fit(self, draft: str = "") -> bool:
        """Before a request: see to it that it fits. Findings are cut first, then the older half is dropped.

        Returns whether it fits; false only where the system prompt and the last words alone are too much.
        """
        most = self._settings.hard * self._tokens - self._prompt.log.tokens(len(draft))
        if self._prompt.estimated_tokens <= most:
            return True
        # What waits to go in goes in now, so that it can be cut too.
        self._prompt.messages()
        self._cut_findings(self._prompt.estimated_tokens - most)
        while self._prompt.estimated_tokens > most:
            before = self._prompt.log.chars
            self.drop()
            if self._prompt.log.chars >= before:
                return False
        return True

    def room(self, draft: str = "") -> int:
        """Tokens that the window has left for an answer. Some servers refuse a request for more than that."""
        prompt = self._prompt.estimated_tokens + self._prompt.log.tokens(len(draft))
        return max(round((1 - _UNCERTAIN) * self._tokens) - prompt, _LEAST_ANSWER)

    # --- inside ------------------------------------------------------------------------------------------------------

    @property
    def _limit(self) -> float:
        """Tokens at which a summary is due. A small window may hold little more than the system prompt."""
        head = self._prompt.log.tokens(self._prompt.log.fixed)
        return max(self._settings.share * self._tokens, head + (self._settings.hard * self._tokens - head) / 2)

    @property
    def _keep(self) -> float:
        """Tokens of the newest part that stay as they are."""
        room = self._limit - self._prompt.log.tokens(self._prompt.log.fixed)
        return min(self._settings.keep * self._tokens, 0.4 * room)

    @property
    def _summary_tokens(self) -> int:
        return max(min(_SUMMARY_TOKENS, round(0.1 * self._tokens)), 50)

    def _chars(self, tokens: float) -> int:
        return self._prompt.log.characters(tokens)

    def _boundary(self, keep: float) -> int:
        """The number of the first line that stays: where a revision begins, at best with words of the person."""
        lines, room, at = self._prompt.log.lines, self._chars(keep), len(self._prompt.log.lines)
        while at > 0 and lines[at - 1].chars <= room:
            at -= 1
            room -= lines[at].chars
        places = [place for place in range(max(at, 1), len(lines)) if lines[place].revision > lines[place - 1].revision]
        spoken = [place for place in places[:10] if lines[place].kind == "person"]
        return (spoken or places or [0])[0]

    def _wish(self, wish: str) -> None:
        if wish.casefold() not in {each.casefold() for each in self._wishes}:
            self._wishes = [*self._wishes[1 - _MOST_WISHES :], wish]

    def _restart(self, lines: Sequence[Line]) -> None:
        """What is kept is written anew for each era, so that it says how things stand now."""
        summary = f"{chat_words.SUMMARY_HEAD}\n{self._summary}" if self._summary else chat_words.WITHOUT_SUMMARY
        kept: list[str] = []
        if self._wishes:
            kept.append("\n".join((chat_words.WISHES_HEAD, *(f"- {wish}" for wish in self._wishes))))
        standing = self._prompt.standing.told()
        if standing:
            kept.append(f"{chat_words.KEPT_HEAD}\n{shortened(standing, self._chars(0.15 * self._tokens))}")
        self._prompt.renew(summary, "\n\n".join(kept), lines)

    def _cut_findings(self, excess: float) -> None:
        """Cut findings, the oldest first, until `excess` tokens are saved."""
        log = self._prompt.log
        lines, chars = list(log.lines), self._chars(excess) + 1
        for at, each in enumerate(lines):
            if chars > 0 and each.kind in ("finding", "tell"):
                lines[at] = _cut(each)
                chars -= each.chars - lines[at].chars
        if lines != log.lines:
            log.restart(lines)


def _cut(each: Line) -> Line:
    content = str(each.messages[0]["content"])
    found = _FRAME.fullmatch(content)
    if found is None or len(found[3]) <= _CUT_TO:
        return each
    body = shortened(found[3], _CUT_TO)
    message = {**each.messages[0], "content": content[: found.start(3)] + body + content[found.end(3) :]}
    return line(each.kind, message, revision=each.revision, finding=each.finding)


def _spoken(lines: Sequence[Line]) -> list[str]:
    """Lines as a transcript for somebody who was not there."""
    out: list[str] = []
    for each in lines:
        if each.kind in _UNSUNG:
            continue
        for message in each.messages:
            calls = [call["function"] for call in message.get("tool_calls") or ()]
            out.extend(f"Assistant did: {call['name']} {call['arguments']}" for call in calls)
            content = str(message.get("content") or "")
            if not content:
                continue
            framed = None if each.kind == "person" else _FRAME.fullmatch(content)
            if framed is not None:
                out.append(f"[{framed[1]}] {shortened(framed[3], _LONGEST_LINE)}")
            else:
                who = {"user": "Person", "assistant": "Assistant"}.get(str(message["role"]), "Result")
                out.append(f"{who}: {shortened(content, _LONGEST_LINE * 4)}")
    return out
