"""The brain of the chat voice: when a request is made, closed, held back, made again; and what comes of it.

Pure: what has happened in, what is to be done out. No clock (the stream's own time is an argument), no await, no
chance. At any time there are at most three requests: one whose answer is being said, one that was begun early and is
held back, one that sums the conversation up.
"""

from __future__ import annotations

from typing import Final, assert_never

import msgspec

from interaction.models.chat_actions import (
    Action,
    Ask,
    Broke,
    Came,
    ClearTimer,
    Close,
    Due,
    Happening,
    SetTimer,
    Tell,
    Timer,
    Turned,
)
from interaction.models.chat_answer import Answer, Purpose, Speaking
from interaction.models.chat_asking import Asking
from interaction.models.chat_backlog import Backlog, still_told, took_floor
from interaction.models.chat_early import Allowance, Early
from interaction.models.chat_joining import Joint
from interaction.models.chat_memory import Memory
from interaction.models.chat_outage import Outage
from interaction.models.chat_settings import ChatSettings
from interaction.turntaking import Backchannel, Prepare, Respond, Turntaking, Wait, Yield
from orchestrator.completions.asking import CallBegun, CallDone, Completion, Done, Piece, Request, Text, Thought
from orchestrator.completions.troubles import ModelTrouble, spoken
from orchestrator.effects import NOT_CURRENT, MicroTurn, Offer
from orchestrator.events import ModelEvent, ModelFailed, ModelRested, ModelSpoke

__all__ = ["ChatBrain"]

_LAST_TOLD_MS: Final = 4_600
"""The session tells of quiet after an open line for 5 s: what is not answered by then waits for the next word."""


class ChatBrain:
    """The brain of one conversation."""

    def __init__(self, asking: Asking, *, settings: ChatSettings, spread: float = 0.0) -> None:
        """`asking` makes its requests. `spread` (0 to 1) is its own, so that many voices do not retry in step."""
        self._settings = settings
        self._asking = asking
        self._turns = Turntaking(
            msgspec.structs.replace(
                settings.turns,
                preempt=settings.turns.preempt and settings.preempt,
                backchannels=settings.turns.backchannels and settings.backchannels,
            )
        )
        self._guard = asking.guard
        self._memory = Memory(asking)
        self._speaking = Speaking(settings, asking)
        self._outage = Outage(settings, spread=spread)
        self._allowance = Allowance(settings)
        self._backlog = Backlog()
        self._out: list[Action] = []
        self._at_ms = 0
        self._number = 0
        """Of the last request."""
        self._turn = MicroTurn(0, 0)
        self._rested = 0
        self._answer: Answer | None = None
        """What is being said, or waited for."""
        self._early: Early | None = None
        self._owed = False
        """The person has finished a line, and no request for its answer is out."""
        self._line = ""
        self._pausing = False
        """Between two tries."""
        self._failing = False
        """The person was told that the voice has failed, and it has not succeeded since. To rest would say it had."""
        self._down = False
        """The session takes the voice for failed, and reads findings out itself."""

    def take(self, happening: Happening, at_ms: int) -> tuple[Action, ...]:
        """What is to be done about `happening`. `at_ms` is the stream's own time, and never goes back."""
        self._at_ms, self._out = at_ms, []
        match happening:
            case Turned(turn=turn):
                self._turned(turn)
            case Came(number=number, piece=piece):
                self._came(number, piece)
            case Broke(number=number, trouble=trouble):
                self._broke(number, trouble)
            case Due(timer=timer):
                self._due(timer)
            case _:
                assert_never(happening)
        self._go_on()
        return tuple(self._out)

    # --- a micro-turn ------------------------------------------------------------------------------------------------

    def _turned(self, turn: MicroTurn) -> None:
        self._turn = turn
        heard = self._asking.hear(turn)
        self._guard.look(turn)
        self._backlog.hear(turn)
        if took_floor(turn) or NOT_CURRENT in turn.notices:
            self._asking.flight.take_back()
        self._look(turn, heard=heard)
        answer = self._answer
        if answer is not None and answer.heard and answer.purpose == "reply":
            self._turns.answered()
        judged = self._turns.hear(turn, busy=answer is not None or turn.floor in ("assistant", "both"))
        match judged:
            case Wait(keep=keep):
                if not keep:
                    self._discard()
            case Prepare():
                self._discard()
                self._prepare()
            case Respond(line=line):
                self._owed, self._line = True, line
                self._outage.anew(self._at_ms)
                self._stop()
                if self._pausing and not self._outage.asked_to_wait:
                    self._try_now()
            case Yield():
                self._discard()
                # What was asked comes again with the next line.
                self._owed = False
                self._stop()
            case Backchannel(text=text, reason=reason):
                self._tell(ModelSpoke(text, overlap=reason))
            case _:
                assert_never(judged)
        self._say_on()

    def _look(self, turn: MicroTurn, *, heard: bool) -> None:
        """What a micro-turn means for the answer that is being said."""
        answer = self._answer
        if answer is None:
            return
        answer.heard = answer.heard or heard
        if answer.purpose != "tell":
            return
        left = still_told(answer.offers, turn, begun=bool(answer.said))
        # What is offered once more is being told already.
        self._backlog.drop([offer.finding.id for offer in left])
        if left != answer.offers:
            # The session has taken back what was said of it.
            answer.offers = left
            self._stop(gone_on=took_floor(turn) and not answer.said)

    @property
    def _person_holds(self) -> bool:
        return self._turn.floor in ("person", "both")

    @property
    def _line_waits(self) -> bool:
        """Whether a line is soon to be answered. Until then the session keeps results: the person is answered first."""
        soon = self._turn.quiet_ms < min(self._settings.turns.unfinished_ms, _LAST_TOLD_MS)
        return bool(self._turns.pending) and not self._person_holds and soon

    # --- what is to be done next -------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        if self._answer is not None or self._pausing:
            return
        if not self._failing and (summary := self._memory.step(self._number + 1, self._at_ms)) is not None:
            self._out.append(Ask(self._next(), summary))
        if self._owed and not self._person_holds:
            self._reply()
        elif self._backlog and not (self._person_holds or self._failing):
            self._begin("tell", self._backlog.offers)
        else:
            # What cannot be told now goes back to the session, which knows when.
            self._backlog.clear()
            if not (self._failing or self._line_waits) and self._turn.n > self._rested:
                self._rest()

    def _reply(self) -> None:
        self._owed = False
        early, self._early = self._early, None
        request = self._asking.reply(self._turn)
        # The room left for an answer is only estimated, and says nothing of the conversation.
        if early is None or early.request.messages != request.messages:
            if early is not None:
                self._throw_away(early)
            self._start(Answer(0, "reply"), request)
            return
        self._out.append(ClearTimer("speculation"))
        answer = Answer(early.number, "reply")
        self._open(answer)
        if not early.pieces:
            self._set("slow", self._settings.slow_ms)
        for piece in early.pieces:
            self._receive(answer, piece)

    def _begin(self, purpose: Purpose, offers: tuple[Offer, ...]) -> None:
        n = self._backlog.first_n or self._turn.n
        self._backlog.drop([offer.finding.id for offer in offers])
        self._start(Answer(0, purpose, offers, n=n), self._asking.tell(self._turn, offers))

    def _start(self, answer: Answer, request: Request) -> None:
        """Make a request for `answer`, the first or a further one."""
        answer.number, answer.begun, answer.problems = self._next(), False, False
        answer.seam, answer.waiting = bool(answer.said), ()
        self._open(answer)
        self._out.append(Ask(answer.number, request))
        self._set("slow", self._settings.slow_ms)

    def _open(self, answer: Answer) -> None:
        self._answer = answer
        self._speaking.open(answer, self._line if answer.purpose == "reply" else "")

    def _stop(self, *, gone_on: bool = True) -> None:
        """End the answer that is being said: the person has gone on, or what it tells is no longer so."""
        answer, self._answer = self._answer, None
        if answer is None:
            return
        self._out.append(Close(answer.number))
        self._clear("slow")
        if not answer.said:
            self._backlog.keep(answer.offers, answer.n)
        if not (answer.said or answer.confirmed):
            return
        if gone_on:
            self._asking.flight.clear()
        # Words that were on their way to the session when the person began must not be said as a stump later.
        self._tell(ModelRested(self._rested, takes_back=gone_on))

    def _rest(self, acknowledged: tuple[str, ...] = ()) -> None:
        first = self._backlog.first_n
        n = self._turn.n if first is None else first - 1
        self._rested = max(self._rested, n)
        self._tell(ModelRested(n, acknowledged))

    # --- an answer that is begun early -------------------------------------------------------------------------------

    def _prepare(self) -> None:
        if self._answer is not None or self._pausing or self._failing or self._backlog:
            return
        if not self._allowance.take(self._at_ms):
            return
        request = self._asking.reply(self._turn, early=True)
        self._early = Early(self._next(), request)
        self._out.append(Ask(self._early.number, request))
        self._set("speculation", self._settings.preempt_hold_ms)

    def _discard(self) -> None:
        early, self._early = self._early, None
        if early is not None:
            self._throw_away(early)

    def _throw_away(self, early: Early) -> None:
        self._out.append(ClearTimer("speculation"))
        if not early.whole:
            self._out.append(Close(early.number))

    # --- what comes of requests --------------------------------------------------------------------------------------

    def _came(self, number: int, piece: Piece) -> None:
        early, answer = self._early, self._answer
        if answer is not None and number == answer.number:
            self._receive(answer, piece)
        elif early is not None and number == early.number:
            early.hold(piece)
            if early.chars > self._settings.preempt_chars and not early.whole:
                self._discard()
        else:
            self._memory.came(number, piece)

    def _receive(self, answer: Answer, piece: Piece) -> None:
        """A piece of the answer that is being said."""
        if self._answer is not answer:
            return
        if not answer.begun:
            answer.begun = True
            self._clear("slow")
            if self._outage.since_ms is not None:
                self._clear("patience")
        if self._person_holds or answer.waiting:
            # It is not known yet whether they only put in a word.
            answer.waiting = (*answer.waiting, piece)
        else:
            self._say(answer, piece)

    def _say_on(self) -> None:
        answer = self._answer
        if answer is None or self._person_holds:
            return
        waiting, answer.waiting = answer.waiting, ()
        for piece in waiting:
            if self._answer is answer:
                self._say(answer, piece)

    def _say(self, answer: Answer, piece: Piece) -> None:
        match piece:
            case Text(text=text):
                self._emit(self._speaking.words(answer, text))
            case CallDone(call=call):
                offered = (*answer.about, *(offer.finding.id for offer in self._backlog.offers))
                self._emit(self._speaking.call(answer, call, self._turn, offered))
            case Done(completion=completion):
                self._finish(answer, completion)
            case Thought() | CallBegun():
                return
            case _:
                assert_never(piece)
        if answer.said or answer.called:
            # Not before: a server that dies each time before the first word would never be found out.
            self._recovered()

    def _finish(self, answer: Answer, completion: Completion) -> None:
        self._recovered()
        self._asking.counted(completion)
        again = answer.problems and answer.rounds < self._settings.rounds
        self._emit(self._speaking.end(answer, more=again))
        if completion.finish == "length" and answer.purpose == "reply" and not (answer.said or answer.called):
            # It has thought until nothing was left for words.
            self._emit([ModelSpoke(self._settings.failed)])
        if not again:
            return self._end(answer)
        answer.rounds += 1
        answer.joint = None
        news, answer.told_done = answer.done[answer.told_done :], len(answer.done)
        return self._start(answer, self._asking.mend(self._turn, news))

    def _end(self, answer: Answer) -> None:
        """All is said."""
        self._answer = None
        self._asking.flight.end()
        if answer.purpose == "reply":
            self._turns.answered()
        self._backlog.drop(answer.silenced)
        self._rest(answer.silenced)

    # --- troubles ----------------------------------------------------------------------------------------------------

    def _broke(self, number: int, trouble: ModelTrouble) -> None:
        answer, early = self._answer, self._early
        if early is not None and number == early.number:
            # Nobody waits for it; if it is wanted, the same request is made once more.
            self._early = None
            self._clear("speculation")
        elif answer is None or number != answer.number:
            self._memory.broke(number, self._at_ms)
        else:
            self._clear("slow")
            self._answer = None
            if answer.said or answer.called:
                self._broken_off(answer, trouble)
            elif trouble.cause == "too long" and self._asking.window.too_long():
                self._give_back(answer)
            elif not trouble.transient:
                self._give_up(answer, trouble)
            elif self._outage.too_long(self._at_ms):
                self._outage.over()
                self._give_up(answer, trouble, self._settings.given_up)
            else:
                self._give_back(answer)
                self._pause(trouble)

    def _give_back(self, answer: Answer) -> None:
        """What it was for is still to be done."""
        if answer.purpose == "reply":
            self._owed = True
        else:
            self._backlog.keep(answer.offers, answer.n)

    def _broken_off(self, answer: Answer, trouble: ModelTrouble) -> None:
        """It broke off in the middle: what was said is said."""
        if answer.acted or answer.silent:
            self._answer = answer
            self._emit(self._speaking.end(answer, more=False))
            self._end(answer)
        elif trouble.transient and answer.said and answer.resumes < self._settings.resumes:
            # What was held back as it might have begun a frame: no more of it comes, and half a word is none.
            self._emit(self._speaking.end(answer, more=True))
            answer.resumes += 1
            answer.joint = Joint(answer.said)
            self._start(answer, self._asking.resume(self._turn, answer.said))
        elif answer.offers:
            # A finding that is half told counts as told: so the rest of it is said as it was found.
            self._emit(self._speaking.verbatim(answer))
            self._end(answer)
        else:
            self._give_up(answer, trouble)

    def _give_up(self, answer: Answer, trouble: ModelTrouble, say: str = "") -> None:
        if trouble.cause == "refused":
            # Nothing is broken: this once it will not.
            if answer.purpose == "reply":
                self._emit([ModelSpoke(spoken(trouble))])
            return self._end(answer)
        if answer.purpose == "reply":
            self._turns.answered()
        self._asking.flight.end()
        return self._fail(trouble, say or spoken(trouble))

    def _pause(self, trouble: ModelTrouble) -> None:
        self._pausing = True
        again_ms = self._outage.broke(trouble, self._at_ms)
        self._set_at("retry", again_ms)
        if self._outage.told:
            return
        if again_ms > self._outage.tell_at_ms:
            self._tell_outage(trouble)
        else:
            self._set_at("patience", self._outage.tell_at_ms)

    def _tell_outage(self, trouble: ModelTrouble) -> None:
        self._outage.told = True
        self._clear("patience")
        what = spoken(trouble).partition(";")[0].rstrip(".")
        kept = self._owed or (self._answer is not None and self._answer.purpose == "reply")
        self._fail(trouble, f"{what}. {self._settings.kept if kept else ''}".rstrip())

    def _fail(self, trouble: ModelTrouble, say: str) -> None:
        """Tell the session, which tells the person, takes back what it offered, and reads findings out itself."""
        if self._answer is not None and self._answer.purpose == "tell":
            self._stop(gone_on=False)
        if self._down:
            # Said once more only because the person has asked once more.
            self._tell(ModelRested(self._rested))
        self._tell(ModelFailed(f"{trouble.cause}: {trouble.what}", say=say))
        self._failing = True
        self._backlog.clear()

    def _recovered(self) -> None:
        """The server has answered."""
        self._outage.over()
        self._failing = False

    def _try_now(self) -> None:
        self._pausing = False
        self._clear("retry")

    def _due(self, timer: Timer) -> None:
        match timer:
            case "retry":
                self._pausing = False
                if not (self._owed or self._backlog or self._failing):
                    # Nobody waits any more.
                    self._clear("patience")
                    self._outage.over()
            case "patience":
                if self._outage.trouble is not None and not self._outage.told:
                    self._tell_outage(self._outage.trouble)
            case "speculation":
                self._discard()
            case "slow":
                self._too_slow()
            case _:
                assert_never(timer)

    def _too_slow(self) -> None:
        answer = self._answer
        if answer is None or answer.begun or self._failing:
            return
        seconds = f"{self._settings.slow_ms / 1_000:g} s"
        trouble = ModelTrouble("stalled", "The model server has not begun to answer.", f"It was waited for {seconds}.")
        self._outage.told = True
        self._fail(trouble, self._settings.slow)

    # --- what is done ------------------------------------------------------------------------------------------------

    def _emit(self, events: list[ModelEvent]) -> None:
        for event in events:
            self._tell(event)
            if isinstance(event, ModelSpoke):
                self._asking.flight.say(event.text, telling=bool(event.about))

    def _tell(self, event: ModelEvent) -> None:
        match event:
            case ModelFailed():
                self._down = True
            case ModelSpoke() | ModelRested():
                self._down = False
            case _:
                pass
        self._out.append(Tell(event))

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _set(self, timer: Timer, in_ms: int) -> None:
        self._set_at(timer, self._at_ms + in_ms)

    def _set_at(self, timer: Timer, at_ms: int) -> None:
        self._out.append(SetTimer(timer, at_ms))

    def _clear(self, timer: Timer) -> None:
        self._out.append(ClearTimer(timer))
