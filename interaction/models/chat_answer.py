"""One answer as it streams in: words go through the guard to the session, calls become what they ask for."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, assert_never

import msgspec

from interaction.models.chat_asking import Asking
from interaction.models.chat_functions import Deed, Problem, Silence
from interaction.models.chat_joining import Joint
from interaction.models.chat_plain import Plain
from interaction.models.chat_settings import ChatSettings
from orchestrator.completions.asking import FunctionCall, Piece
from orchestrator.effects import MicroTurn, Offer
from orchestrator.events import ModelAmended, ModelDelegated, ModelEvent, ModelScheduled, ModelSpoke

__all__ = ["Answer", "Purpose", "Speaking"]

Purpose: TypeAlias = Literal["reply", "tell"]
"""`reply`: to what the person said. `tell`: what the background found."""


_CLOSERS: Final = " \n.,;:!?…)]}"


class Answer(msgspec.Struct):
    """What has come of one answer so far, over all the requests that it took."""

    number: int
    """Of the request that is being answered."""
    purpose: Purpose
    offers: tuple[Offer, ...] = ()
    silenced: tuple[str, ...] = ()
    """Findings that the model holds to need no words."""
    said: str = ""
    called: bool = False
    """It has called a function, whatever came of it."""
    acted: bool = False
    """Something was handed over, changed, called off or put on the agenda."""
    silent: bool = False
    """It wants nothing to be said."""
    problems: bool = False
    """A call of the present request could not be carried out."""
    confirmed: tuple[str, ...] = ()
    """What was said with calls."""
    done: tuple[Deed, ...] = ()
    """What it led to, in order."""
    told_done: int = 0
    """How many of `done` the model has been told of."""
    waiting: tuple[Piece, ...] = ()
    """What has come while the person held the floor, and may yet be said."""
    n: int = 0
    """The oldest micro-turn that its offers came with."""
    begun: bool = False
    """The server has sent something for the present request."""
    heard: bool = False
    """The person has heard some of it."""
    rounds: int = 0
    resumes: int = 0
    joint: Joint | None = None
    """Where it goes on with what broke off."""
    seam: bool = False
    """What is said next begins a new request."""

    @property
    def about(self) -> tuple[str, ...]:
        """The findings that its words deliver."""
        return tuple(offer.finding.id for offer in self.offers if offer.finding.id not in self.silenced)


class Speaking:
    """Turns what the model sends into what the session is told."""

    def __init__(self, settings: ChatSettings, asking: Asking) -> None:
        self._settings = settings
        self._asking = asking
        self._guard = asking.guard
        self._scheduled: set[str] = set()
        self._unframing = asking.unframing()
        self._plain = Plain()
        self._line = ""

    def open(self, answer: Answer, line: str) -> None:
        """A request is made for `answer`, which is to `line` or tells its offers."""
        self._unframing, self._plain, self._line = self._asking.unframing(), Plain(), line
        said_before = self._asking.flight.said_before
        self._guard.begin(answer.purpose, line=line, offers=answer.offers, said_before=said_before)

    def words(self, answer: Answer, text: str) -> list[ModelEvent]:
        """The model says `text`."""
        text = self._plain.feed(self._unframing.feed(text))
        if answer.joint is not None:
            text = answer.joint.feed(text)
        return self._said(answer, self._guard.say(text)) if text else []

    def call(self, answer: Answer, call: FunctionCall, turn: MicroTurn, offered: tuple[str, ...]) -> list[ModelEvent]:
        """The model calls a function, as things stand in `turn`. `offered` are findings that it may decide about."""
        answer.called = True
        taken = self._asking.prompt.standing.scheduled | self._scheduled
        act = self._asking.prompt.functions.read(call, turn, taken=taken, offered=offered)
        match act:
            case Deed():
                refusal = self._let(act, turn)
                if refusal:
                    return self._refused(answer, call, refusal)
                act = msgspec.structs.replace(act, extra=call.extra)
                self._asking.prompt.called(act)
                answer.acted = True
                answer.done = (*answer.done, act)
                return [act.event, *self._confirmation(answer, act.say)]
            case Silence(findings=findings, result=result):
                self._asking.prompt.called(call, result)
                answer.silent = True
                if not (answer.said and answer.purpose == "tell"):
                    # What is told already cannot be kept quiet any more.
                    answer.silenced = (*answer.silenced, *findings)
                return []
            case Problem(text=text):
                return self._refused(answer, call, text)
            case _:
                assert_never(act)

    def end(self, answer: Answer, *, more: bool) -> list[ModelEvent]:
        """The model has finished. Unless `more` is asked, it does not end without a word about what it did."""
        late = self._plain.feed(self._unframing.end()) + self._plain.end()
        if answer.joint is not None:
            late = answer.joint.feed(late) + answer.joint.end()
        rest = (self._guard.say(late) if late else "") + self._guard.end()
        events = self._said(answer, rest) if rest.strip() else []
        if more or answer.said or answer.silent or answer.confirmed:
            return events
        if not answer.called:
            return events + self._said(answer, self._guard.once_more())
        if not answer.acted:
            return events + self._own(answer, self._settings.failed)
        handed = any(isinstance(deed.event, ModelDelegated | ModelAmended) for deed in answer.done)
        return events + self._own(answer, self._settings.filler if handed else self._settings.confirmation)

    def verbatim(self, answer: Answer) -> list[ModelEvent]:
        """What it was to tell, as it was found."""
        told = " ".join(offer.finding.text for offer in answer.offers if offer.finding.id not in answer.silenced)
        answer.seam = True
        return self._said(answer, told)

    def _let(self, deed: Deed, turn: MicroTurn) -> str:
        """Why it must not be done; empty: it may."""
        match deed.event:
            case ModelDelegated(task=task, supersedes=supersedes):
                refusal = self._guard.delegate(task, turn.work, supersedes=supersedes)
                return "" if refusal is None else refusal.reason
            case ModelScheduled(item=item):
                self._scheduled.add(item.id)
            case _:
                pass
        self._guard.acted()
        return ""

    def _refused(self, answer: Answer, call: FunctionCall, reason: str) -> list[ModelEvent]:
        self._asking.prompt.called(call, reason)
        answer.problems = True
        return []

    def _confirmation(self, answer: Answer, say: str) -> list[ModelEvent]:
        unframing, plain = self._asking.unframing(), Plain()
        say = (plain.feed(unframing.feed(say) + unframing.end()) + plain.end()).strip()
        # The model tends to say the same as text and with the call.
        written = answer.said and not answer.confirmed
        if not say or say in answer.confirmed or written:
            return []
        answer.confirmed = (*answer.confirmed, say)
        return self._own(answer, self._guard.say(f"{say} "))

    def _own(self, answer: Answer, text: str) -> list[ModelEvent]:
        """Say something about what is done: a finding that is to be told does not count as told with it."""
        if answer.purpose == "reply":
            return self._said(answer, text)
        return [ModelSpoke(text)] if text else []

    def _said(self, answer: Answer, text: str) -> list[ModelEvent]:
        if not text or (answer.offers and not answer.about):
            return []
        if answer.seam and answer.said and not answer.said[-1].isspace() and text[0] not in _CLOSERS:
            text = f" {text}"
        answer.seam = False
        answer.said += text
        return [ModelSpoke(text, answer.about)]
