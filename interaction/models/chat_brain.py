"""The brain of the chat voice: when a request is made, closed, held back, made again; and what comes of it.

Pure: what has happened in, what is to be done out. No clock (the stream's own time is an argument), no await, no
chance. At any time there are at most three requests: one whose answer is being said, one that was begun early and is
held back, one that sums the conversation up.
"""

from __future__ import annotations

from typing import assert_never

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
from interaction.models.chat_backlog import Backlog, still_wanted
from interaction.models.chat_early import Allowance, Early
from interaction.models.chat_guard import Guard
from interaction.models.chat_outage import Outage
from interaction.models.chat_settings import ChatSettings
from interaction.turntaking import Backchannel, Prepare, Respond, Turntaking, Wait, Yield
from orchestrator.completions.asking import CallBegun, CallDone, Completion, Done, Piece, Text, Thought
from orchestrator.completions.troubles import ModelTrouble, spoken
from orchestrator.effects import NOT_CURRENT, MicroTurn
from orchestrator.events import ModelEvent, ModelFailed, ModelRested, ModelSpoke

__all__ = ["ChatBrain"]


class ChatBrain:
    """The brain of one conversation."""

    def __init__(
        self,
        asking: Asking,
        *,
        settings: ChatSettings,
        turns: Turntaking | None = None,
        guard: Guard | None = None,
        spread: float = 0.0,
    ) -> None:
        """`asking` makes its requests. `spread` (0 to 1) is its own, so that many voices do not retry in step."""
        self._settings = settings
        self._asking = asking
        self._turns = turns or Turntaking()
        self._guard = guard or Guard()
        self._speaking = Speaking(settings, asking.prompt, self._guard)
        self._outage = Outage(settings, spread=spread)
        self._allowance = Allowance(settings)
        self._backlog = Backlog()
        self._out: list[Action] = []
        self._at_ms = 0
        self._turn = MicroTurn(0, 0)
        self._answer: Answer | None = None
        """What is being said, or waited for."""
        self._early: Early | None = None
        self._owed = False
        """The person has finished a line, and no request for its answer is out."""
        self._line = ""
        self._pausing = False
        """Between two tries."""
        self._down = False
        """The session has been told that the voice failed, and reads findings out itself. Until it succeeds again it
        must not rest: that would say that it is well."""
        self._rested = 0
        self._summary = 0
        """The number of the request for a summary that is out, or 0."""
        self._summary_after_ms = 0

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
        self._backlog.learn(turn.entries)
        self._backlog.keep(turn.offers, turn.n)
        self._look(turn, heard=heard)
        answer = self._answer
        if answer is not None and answer.heard:
            self._turns.answered()
        busy = answer is not None or turn.floor in ("assistant", "both")
        judged = self._turns.hear(turn, busy=busy)
        match judged:
            case Wait(keep=keep):
                if not keep:
                    self._discard()
            case Prepare(line=line):
                self._discard()
                self._prepare(line)
            case Respond(line=line):
                self._owed, self._line = True, line
                self._stop(resume=False)
                if not self._outage.asked_to_wait:
                    self._try_now()
            case Yield():
                self._discard()
                # What was asked comes again with the next line.
                self._owed = False
                self._stop(resume=False)
            case Backchannel(text=text, reason=reason):
                self._tell(ModelSpoke(text, overlap=reason))
            case _:
                assert_never(judged)

    def _look(self, turn: MicroTurn, *, heard: bool) -> None:
        """What a micro-turn means for the answer that is being said."""
        answer = self._answer
        self._guard.look(floor=turn.floor, offers=None if answer is None else answer.offers, work=turn.work)
        if answer is None:
            return
        answer.heard = answer.heard or heard
        if answer.purpose == "tell":
            # One that is offered again is the one that is being told.
            self._backlog.drop([finding for finding in answer.about if not answer.said or finding in answer.about])
            wanted = still_wanted(answer.offers, turn.entries)
            if NOT_CURRENT in turn.notices or wanted != answer.offers:
                self._stop(resume=False)
                self._backlog.keep([offer for offer in wanted if not answer.said], turn.n)

    @property
    def _person_holds(self) -> bool:
        return self._turn.floor in ("person", "both")

    # --- what is to be done next -------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        if self._answer is not None or self._pausing:
            return
        if self._owed and not self._person_holds:
            self._reply()
        elif self._backlog and not (self._person_holds or self._down):
            self._begin("tell")
        else:
            # What the voice cannot tell now goes back to the session, which knows when.
            self._backlog.clear()
            if not self._down and self._turn.n > self._rested:
                self._rest()
            self._sum_up()

    def _reply(self) -> None:
        early, self._early = self._early, None
        if early is not None and early.request == self._asking.reply(self._turn):
            self._out.append(ClearTimer("speculation"))
            answer = self._begun("reply", early.number)
            if not early.whole:
                self._watch()
            for piece in early.pieces:
                if self._answer is answer:
                    self._piece(answer, piece)
            return
        self._early = early
        self._discard()
        self._begin("reply")

    def _begin(self, purpose: Purpose) -> None:
        answer = self._begun(purpose, 0)
        offers = answer.offers
        request = self._asking.tell(self._turn, offers) if offers else self._asking.reply(self._turn)
        self._request(answer, request)

    def _begun(self, purpose: Purpose, number: int) -> Answer:
        offers = self._backlog.offers if purpose == "tell" else ()
        self._backlog.drop([offer.finding.id for offer in offers])
        answer = self._answer = Answer(number, purpose, offers)
        if purpose == "reply":
            self._owed = False
        self._guard.begin(
            purpose,
            offers=offers,
            work=self._turn.work,
            line=self._line if purpose == "reply" else "",
            said_before=self._asking.said_before,
        )
        return answer

