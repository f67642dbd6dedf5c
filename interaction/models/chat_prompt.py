"""The chat voice's prompt: a list of messages that only grows, byte for byte, so that prefix caches hit.

It is made of the conversation's entries and of what the voice itself puts there (notes, offers, the status). Nothing
that stands in it is changed, moved or taken out until `chat_window` begins a new era. No clock, no await, no chance.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from interaction.models import chat_words
from interaction.models.chat_entries import Entries
from interaction.models.chat_frames import Frames, shortened
from interaction.models.chat_functions import NAMES, Deed, Functions
from interaction.models.chat_log import Line, Log, line
from interaction.models.chat_standing import Standing, clock, described
from orchestrator.completions.asking import FunctionCall, Message, Usage
from orchestrator.completions.profile import Profile
from orchestrator.context import Assigned, Entry, Scheduled, Unscheduled
from orchestrator.effects import MicroTurn, Offer
from orchestrator.errors import ConfigError
from orchestrator.events import ModelAmended, ModelCancelled, ModelDelegated, ModelScheduled, ModelUnscheduled
from orchestrator.ledger import OPEN
from orchestrator.ports import Opening, ToolInfo

__all__ = ["Prompt", "PromptSettings"]

_NEAR: Final = 4
"""A finding that stands no more than so many lines above is named when it is to be told; else it is shown again."""
_TOLD_AGAIN: Final = 2_000
_FRESH_MS: Final = 3_000
"""So long a status that was told with a draft will do for the line itself."""
_LONGEST_TASK: Final = 160
_LONGEST_ABOUT: Final = 160
_MOST_TOOLS: Final = 60
_DEEDS: Final = 20


class PromptSettings(msgspec.Struct, frozen=True, omit_defaults=True):
    """How large a prompt may become, and what it shows. Shares are of the window."""

    window: int = 0
    """Tokens of prompt and answer together; 0: what the profile says."""
    share: float = 0.6
    """Beyond it the older part is summarised."""
    keep: float = 0.25
    """How much of the newest part stays as it is."""
    hard: float = 0.9
    """Beyond it nothing goes out: findings are cut, and then the older part is dropped."""
    finding_chars: int = 6_000
    """Longer findings are cut in the middle."""
    strict: bool = False
    """Whether the functions are declared with `strict: true`."""

    def __post_init__(self) -> None:
        if not 0 < self.keep < self.share < self.hard <= 1:
            raise ConfigError(
                f"a prompt cannot keep {self.keep}, summarise at {self.share} and stop at {self.hard}",
                "they are shares of the window, each smaller than the next",
                "leave them at 0.25, 0.6 and 0.9",
            )
        if self.finding_chars < 100 or self.window < 0:
            raise ConfigError(
                f"a prompt of {self.window} tokens with findings of {self.finding_chars} characters makes no sense",
                "",
                "use a finding_chars of at least 100, and a window of 0 for what the server has",
            )


class Prompt:
    """The prompt of one session's voice."""

    def __init__(
        self, opening: Opening, *, profile: Profile, nonce: str, settings: PromptSettings | None = None
    ) -> None:
        """Begins with what `opening` tells, its conversation included. Raises `ConfigError` for an unfit nonce."""
        settings = settings or PromptSettings()
        self._opening = opening
        self._strict = settings.strict
        self.functions: Functions = Functions(opening, strict=settings.strict)
        self.standing: Standing = Standing()
        frames = Frames(nonce)
        role = "system" if profile.mid_system else "user"
        self._entries = Entries(frames, role=role, finding_chars=settings.finding_chars)
        head = {"role": "system", "content": _system(opening, frames)}
        self.log: Log = Log(line("system", head), overhead=len(json.dumps(self.functions.schemas)))
        self._queue: list[Line] = []
        self._revision = 0
        self._count = 0
        self._shown: dict[str, int] = {}
        self._deeds: list[Deed] = []
        self._status: tuple[str, Line] | None = None
        self._told_status = ""
        self._told_in = 0
        self._problems = 0
        self._draft = ""
        self._drafted_ms = 0
        self._looked_ms = 0
        self.take(opening.context)

    def take(self, entries: Iterable[Entry], *, tools: tuple[ToolInfo, ...] | None = None) -> None:
        """Put what was newly said and done into the prompt; entries that are known are passed over. `tools`: what the
        background can do from now on, where that has changed."""
        for entry in entries:
            if entry.revision <= self._revision:
                continue
            self._revision = entry.revision
            self.standing.entry(entry)
            made = self._entries.line(entry, self._deed(entry))
            if made is not None:
                self._put(made)
        if tools is not None:
            self._equip(tools)

    def _equip(self, tools: tuple[ToolInfo, ...]) -> None:
        """The background can do `tools` from now on. What the prompt says already stays; this is what counts."""
        self._opening = msgspec.structs.replace(self._opening, tools=tools)
        self.functions = Functions(self._opening, strict=self._strict)
        told = "\n".join(f"- {name}: {about}" if about else f"- {name}" for name, about in _tools(tools))
        self.note(f"{chat_words.TOOLS_NOW}\n{told}" if told else chat_words.NO_TOOLS_NOW)

    def note(self, text: str) -> None:
        """Tell the voice something that nobody else is told."""
        self._put(line("frame", self._entries.framed("note", text), revision=self._revision))

    def offer(self, offers: Sequence[Offer]) -> None:
        """Ask the voice to tell the person these findings now."""
        if not offers:
            return
        interject = any(offer.style == "interject" for offer in offers)
        parts = [chat_words.TELL_INTERJECT if interject else chat_words.TELL]
        if any(offer.brief for offer in offers):
            parts.append(chat_words.TELL_BRIEF)
        for offer in offers:
            parts += self._told(offer)
        parts.append(chat_words.TELL_SILENCE)
        self._put(line("tell", self._entries.framed("tell", "\n".join(parts)), revision=self._revision))

    def status(self, turn: MicroTurn) -> None:
        """Tell how things stand, if that has changed since it was last told.

        For when a request is about to be made: it goes in with the next `messages`, before what the person said last.
        Between a draft and the same line said it waits: an answer that was begun early is still the right one then.
        """
        self.standing.turn(turn)
        self._looked_ms = turn.at_ms
        text = _status(turn, self.standing)
        told = self._told_status if self._told_in == self.log.era else ""
        if text == told:
            self._status = None
            return
        framed = self._entries.framed("status", text or chat_words.IDLE, now=clock(turn.at_ms))
        self._status = (text, line("status", framed, revision=self._revision))

    def called(self, call: Deed | FunctionCall, result: str = "") -> None:
        """The model has called a function.

        A `Deed` that is carried out leaves an entry, and the entry will show the call as it was made. Any other call
        (it could not be carried out, or nothing came of it) is shown now, with what came of it.
        """
        if isinstance(call, Deed):
            self._deeds = [*self._deeds[1 - _DEEDS :], call]
            return None
        name = call.name.strip()
        if name not in NAMES:
            return self.note(result)
        self._problems += 1
        made = self._entries.call(f"/{self._problems}", name, call.arguments or {}, result, call.extra)
        return self._put(line("call", *made, revision=self._revision))

    def messages(self, draft: str = "") -> tuple[Message, ...]:
        """The messages of a request made now.

        `draft` is what the person is in the middle of saying: it stands at the end, exactly as it will when it has
        been said.
        """
        self._flush()
        said = draft.strip()
        if not said:
            return self.log.messages
        message = self._entries.person(said)
        self._draft, self._drafted_ms = message["content"], self._looked_ms
        return (*self.log.messages, message)

    @property
    def estimated_tokens(self) -> int:
        """About how many tokens a request made now has."""
        return self.log.tokens(self.log.chars + sum(each.chars for each in self._queue))

    def counted(self, usage: Usage, chars: int) -> None:
        """The server has counted a request of `chars` characters (`log.chars` when it was made): learn from it."""
        if not usage.estimated and usage.input > 0 and chars > 0:
            self.log.weighed(usage.input, chars)

    def renew(self, summary: str, kept: str, lines: Sequence[Line]) -> None:
        """Begin a new era: the system message, a summary with what is kept, and then `lines`. For `Window`."""
        message = self._entries.framed("summary", summary)
        if kept:
            content = f"{message['content']}\n{self._entries.framed('kept', kept)['content']}"
            message = {**message, "content": content}
        self.log.restart((line("summary", message, revision=0), *lines))

    # --- inside ------------------------------------------------------------------------------------------------------

    def _put(self, made: Line) -> None:
        if made.kind == "person" and self._queue and self._queue[-1].kind != "person":
            # A status goes before what the person said last; what stands before that can go in at once.
            self._settle()
        self._count += 1
        if made.finding:
            near = {finding: at for finding, at in self._shown.items() if self._count - at <= _NEAR}
            self._shown = {**near, made.finding: self._count}
        self._queue.append(made)

    def _flush(self) -> None:
        drafted = bool(self._draft) and any(each.messages[0]["content"] == self._draft for each in self._queue)
        fresh = drafted and self._looked_ms - self._drafted_ms <= _FRESH_MS
        if self._status is not None and not fresh:
            self._told_status, made = self._status
            self._told_in = self.log.era
            self._queue.insert(_status_place(self._queue, after=drafted), made)
            self._count += 1
        self._status, self._draft = None, ""
        self._settle()

    def _settle(self) -> None:
        for each in self._queue:
            self.log.append(each)
        self._queue.clear()

    def _deed(self, entry: Entry) -> Deed | None:
        for at, deed in enumerate(self._deeds):
            if _made(deed, entry):
                del self._deeds[at]
                return deed
        return None

    def _told(self, offer: Offer) -> list[str]:
        finding = offer.finding
        near = self._count - self._shown.get(finding.id, -_NEAR - 1) <= _NEAR
        what = chat_words.TELL_ABOVE if near else shortened(finding.text.strip(), _TOLD_AGAIN)
        asked = self.standing.task(finding.delegation) or offer.task
        task = chat_words.TELL_TASK.format(task=shortened(asked, _LONGEST_TASK)) if asked else ""
        parts = ["- " + chat_words.TELL_ITEM.format(id=finding.id, task=task, what=what)]
        hint = {
            "question": chat_words.TELL_QUESTION,
            "error": chat_words.TELL_ERROR,
            "partial": chat_words.TELL_PARTIAL,
        }.get(finding.kind, "")
        if offer.said.strip():
            parts.append("  " + chat_words.TELL_SAID.format(said=shortened(offer.said.strip(), _TOLD_AGAIN)))
        return [*parts, f"  {hint}"] if hint else parts


def _system(opening: Opening, frames: Frames) -> str:
    tools = _tools(opening.tools)
    pools = [(pool, _first_line(opening.abouts.get(pool, ""))) for pool in opening.pools if pool]
    shared = chat_words.system(opening.instructions, tools=tools, pools=pools)
    return f"{shared}\n\n{chat_words.framing(frames.tag)}"


def _tools(tools: Sequence[ToolInfo]) -> list[tuple[str, str]]:
    told = [(tool.name, _first_line(tool.description)) for tool in tools[:_MOST_TOOLS]]
    return [*told, (f"and {len(tools) - _MOST_TOOLS} more", "")] if len(tools) > _MOST_TOOLS else told


def _first_line(text: str) -> str:
    return shortened(text.strip().partition("\n")[0].strip(), _LONGEST_ABOUT)


def _status_place(queue: Sequence[Line], *, after: bool) -> int:
    """Before what the person said last, so that their words come last; or `after` it, where a draft has shown it."""
    end = len(queue)
    while end > 0 and queue[end - 1].kind != "person":
        end -= 1
    if end == 0:
        return next((at for at, each in enumerate(queue) if each.kind == "tell"), len(queue))
    begin = end
    while begin > 0 and queue[begin - 1].kind == "person":
        begin -= 1
    return end if after else begin


def _made(deed: Deed, entry: Entry) -> bool:
    """Whether `entry` is what the session wrote because of `deed`."""
    match deed.event, entry:
        case ModelDelegated() as event, Assigned(action="delegated"):
            return event.task == entry.task
        case ModelAmended() as event, Assigned(action="amended"):
            return event.delegation == entry.delegation and event.text == entry.task
        case ModelCancelled() as event, Assigned(action="cancelled"):
            return event.delegation == entry.delegation
        case ModelScheduled() as event, Scheduled():
            return event.item == entry.item
        case ModelUnscheduled() as event, Unscheduled():
            return event.item == entry.item
        case _:
            return False


def _status(turn: MicroTurn, standing: Standing) -> str:
    parts: list[str] = []
    for work in turn.work:
        task = shortened(standing.task(work.delegation) or work.task, _LONGEST_TASK)
        if work.state in OPEN:
            detail = f". Last: {shortened(work.progress, _LONGEST_TASK)}" if work.progress else ""
            since = clock(work.since_ms)
            parts.append(
                chat_words.STATUS_TASK.format(
                    id=work.delegation, task=task, state=work.state, since=since, detail=detail
                )
            )
        elif work.untold:
            parts.append(chat_words.STATUS_UNTOLD.format(id=work.delegation, task=task, state=work.state))
    if turn.agenda:
        items = [(name, standing.item(name)) for name in turn.agenda]
        told = [f"{name} ({described(item)})" if item is not None else name for name, item in items]
        parts.append(chat_words.STATUS_AGENDA.format(items="; ".join(told)))
    if turn.counts:
        counts = ", ".join(f'"{phrase}" {count}' for phrase, count in turn.counts)
        parts.append(chat_words.STATUS_COUNTS.format(counts=counts))
    question = standing.question()
    if turn.expecting:
        task = turn.expecting.partition(".")[0]
        parts.append(chat_words.STATUS_QUESTION.format(id=task, question=shortened(question, _LONGEST_TASK)))
    return "\n".join(parts)
