"""Understanding: what the person wants with one sentence, by rules, in a fixed order.

What steers the conversation (stop, cancel, status, timers) is matched as a whole sentence and comes first; work is what
has a working verb, a sum, or words of a tool that is there; the rest is small talk, or nothing these rules know.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from interaction.models import reflex_patterns as says
from interaction.models.reflex_schedule import count_question, schedule, unschedule
from interaction.models.reflex_smalltalk import small_talk
from interaction.models.reflex_tasks import cleaned, decorated, parts
from interaction.models.reflex_tools import Toolset, pool_for
from interaction.models.reflex_words import tidy
from orchestrator.agenda_items import AgendaItem

__all__ = [
    "Acknowledge",
    "AskCount",
    "AskStatus",
    "CallOff",
    "Correct",
    "Echo",
    "Follow",
    "Hush",
    "Intent",
    "More",
    "Repeat",
    "Request",
    "Schedule",
    "SmallTalk",
    "Understanding",
    "Unknown",
    "Unschedule",
]

_LONGEST_SENTENCE: Final = 600
"""Rules look at so much of a sentence; what is longer is no command in a fixed form."""


class Hush(msgspec.Struct, frozen=True):
    """Stop talking. Never cancels work. `waits` for "hold on": what is to be said then comes later."""

    waits: bool = False


class CallOff(msgspec.Struct, frozen=True):
    """Call work off: what the words name, the newest if they name none, or everything."""

    what: str = ""
    everything: bool = False
    sure: bool = True
    """False for "forget it": it is small talk where nothing runs."""


class Schedule(msgspec.Struct, frozen=True):
    """Put these on the agenda."""

    items: tuple[AgendaItem, ...]


class Unschedule(msgspec.Struct, frozen=True):
    """Take these off the agenda."""

    kinds: tuple[str, ...]
    words: str


class AskCount(msgspec.Struct, frozen=True):
    """How often was this said?"""

    phrase: str


class AskStatus(msgspec.Struct, frozen=True):
    """How is the work getting on? `closed` wants a yes or a no first."""

    what: str = ""
    closed: str = ""


class Repeat(msgspec.Struct, frozen=True):
    """Say it again; with `answer`, the last finding."""

    answer: bool = False


class More(msgspec.Struct, frozen=True):
    """Go on with what was cut."""


class Acknowledge(msgspec.Struct, frozen=True):
    """The person knows. `bare` for a mere "ok"."""

    bare: bool = False
    words: str = ""


class Correct(msgspec.Struct, frozen=True):
    """What was asked for should be different. `sure` when the words leave no doubt that it is a correction."""

    said: str
    new: str
    old: str = ""
    sure: bool = True


class Follow(msgspec.Struct, frozen=True):
    """The same again for another thing: "and to Lyon?"."""

    new: str


class Request(msgspec.Struct, frozen=True):
    """Work. `explicit` when a verb of work says so, and not only the words of a tool."""

    task: str
    tool: str = ""
    pool: str = ""
    explicit: bool = True


class Echo(msgspec.Struct, frozen=True):
    """Say these words."""

    text: str


class SmallTalk(msgspec.Struct, frozen=True):
    """Answered by the voice itself; `kind` names the answer."""

    kind: str


class Unknown(msgspec.Struct, frozen=True):
    """Nothing these rules know. `asked` when it was a question or an order, and a word is owed."""

    asked: bool


Intent = (
    Hush
    | CallOff
    | Schedule
    | Unschedule
    | AskCount
    | AskStatus
    | Repeat
    | More
    | Acknowledge
    | Correct
    | Follow
    | Request
    | Echo
    | SmallTalk
    | Unknown
)


class Understanding:
    """Turns sentences into intents; knows the tools and the pools that there are."""

    def __init__(self, tools: Toolset, pools: tuple[str, ...] = ()) -> None:
        self._tools = tools
        self._pools = pools

    def read(self, utterance: str) -> tuple[Intent, ...]:
        """What the person wants, in the order in which they said it. Never empty."""
        text = tidy(utterance)
        if len(text) > _LONGEST_SENTENCE:
            return (self._work(text, cleaned(text)),)
        whole = self._one(text)
        if not isinstance(whole, Request | Schedule | CallOff | Unschedule | Correct | AskStatus):
            return (whole,)
        pieces = parts(text)
        if len(pieces) > 1:
            several = [self._one(piece) for piece in pieces]
            # Only a sentence that falls into requests, all of them, was two requests.
            if all(
                isinstance(one, Request | Schedule | CallOff | Unschedule | AskStatus | AskCount) for one in several
            ):
                return tuple(several)
        return (whole,)

    def complete(self, text: str) -> bool:
        """Whether words without an end may be acted upon after a quiet spell: a whole command, with no loose end."""
        text = tidy(text)
        words = re.findall(r"[\w'*/+-]+", text.lower())
        if not words or text.count('"') % 2 or text.count("(") != text.count(")") or text[-1] in ",;:-(+*/=":
            return False
        intents = self.read(text)
        for intent in intents:
            match intent:
                case Unknown() | Correct(sure=False):
                    return False
                case Schedule(items=items) if any(item.say == "This is your reminder." for item in items):
                    return False  # "to stretch" is still to come
                case CallOff(what=what) if what and words[-1] in says.LOOSE:
                    return False
                case CallOff() | Hush() | Acknowledge() | SmallTalk() | Repeat() | More() | AskStatus():
                    pass
                case _:
                    if len(words) < 2 or words[-1] in says.LOOSE or words[-1] in says.VERBS:
                        return False
        return True

    def _one(self, text: str) -> Intent:
        core = cleaned(text)
        steering = self._steering(text) or (self._steering(core) if core != text else None)
        if steering is not None:
            return steering
        correction = self._correction(text, core)
        if correction is not None:
            return correction
        talk = small_talk(text) or small_talk(core)
        if talk:
            return SmallTalk(talk)
        follow = says.FOLLOW.fullmatch(text.rstrip("?!. "))
        if follow is not None and len(follow.group("new").split()) <= 6 and not says.WORK.match(follow.group("new")):
            return Follow(follow.group("new"))
        work = self._work(text, core)
        if isinstance(work, Unknown):
            echo = says.ECHO.fullmatch(core)
            if echo is not None:
                return Echo(echo.group("words").strip("\"'"))
        return work

    def _steering(self, text: str) -> Intent | None:
        if says.HUSH.fullmatch(text):
            return Hush(waits=says.WAIT.search(text) is not None)
        off = unschedule(text)
        if off is not None:
            return Unschedule(*off)
        if says.CALL_OFF_ALL.fullmatch(text):
            return CallOff(everything=True)
        call_off = says.CALL_OFF.fullmatch(text) or says.STOP_WORK.fullmatch(text)
        if call_off is not None:
            what = (call_off.group("what") or "").strip()
            what = "" if not what or says.PRONOUN.fullmatch(what) else what
            return CallOff(what, sure=bool(what) or says.SURELY_OFF.search(text) is not None)
        count = count_question(text)
        if count is not None:
            return AskCount(count)
        items = schedule(text)
        if items:
            return Schedule(items)
        if says.REPEAT_ANSWER.fullmatch(text):
            return Repeat(answer=True)
        if says.REPEAT.fullmatch(text):
            return Repeat()
        if says.MORE.fullmatch(text):
            return More()
        return _status(text) or _acknowledgement(text)

    def _correction(self, text: str, core: str) -> Correct | None:
        said = core.rstrip("?! .")
        marker = says.MARKER.match(said)
        marked = marker is not None and says.MARKS.search(marker.group()) is not None
        rest = said[marker.end() :] if marker is not None and marked else said
        for index, pattern in enumerate(says.SURE_CORRECTIONS):
            match = pattern.match(rest)
            if match is None or (index == says.DO_FORM and not marked):
                continue
            if (
                not marked
                and (says.WORK.match(rest) or says.QUESTION.match(rest))
                and not rest.lower().endswith("instead")
            ):
                continue
            groups = match.groupdict()
            sure = marked or index != says.NOT_FORM
            return Correct(text, groups["new"].strip(" ,"), (groups.get("old") or "").strip(" ,"), sure)
        if marker is not None and marked and rest and rest != said:
            return Correct(text, rest, sure="mean" in marker.group().lower())
        return None

    def _work(self, text: str, core: str) -> Request | Unknown:
        asked = core.rstrip("?!. ")
        fit = self._tools.fit(asked[:_LONGEST_SENTENCE])
        sums = says.SUM.fullmatch(asked[:_LONGEST_SENTENCE]) is not None and says.OPERATOR.search(asked) is not None
        if sums or says.WORK.match(core):
            return Request(core, fit.tool, pool_for(core, self._pools, fit.tool))
        question = says.QUESTION.match(core) is not None or text.rstrip().endswith("?")
        asking = says.ASKING.match(core) is not None or decorated(text)
        named = fit.score >= 4 and len(core.split()) <= 8 and not says.TELLING.match(core)
        about_itself = says.ABOUT_ITSELF.match(core) is not None
        fits = fit.fits and (question or asking or named) and not about_itself
        if question and not fits and not about_itself:
            fits = self._tools.searches and (
                says.WHERE.match(core) is not None or says.FILES.search(core[:_LONGEST_SENTENCE]) is not None
            )
            fits = fits or self._tools.knows_the_world
        if fits:
            return Request(core, fit.tool, pool_for(core, self._pools, fit.tool), explicit=False)
        # "I want coffee" is for the person to say, and for these rules to leave alone.
        return Unknown(asked=question or (asking and says.TELLING.match(core) is None))


def _status(text: str) -> AskStatus | None:
    open_question = says.STATUS_OPEN.fullmatch(text)
    if open_question is not None and not says.HOW_IS_IT.fullmatch(text):
        what = next((words for words in open_question.groupdict().values() if words), "")
        return AskStatus(what.strip())
    closed = says.STATUS_CLOSED.fullmatch(text)
    if closed is not None:
        return AskStatus(text, "done" if closed.group("done") else "still")
    return None


def _acknowledgement(text: str) -> Acknowledge | None:
    if says.KNOWN.fullmatch(text):
        return Acknowledge(words=text)
    if says.BACKCHANNEL.fullmatch(text):
        return Acknowledge(bare=True, words="")
    if says.BARE.fullmatch(text):
        return Acknowledge(bare=True, words=text.rstrip("?!. ").lower())
    return None
