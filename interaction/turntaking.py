"""Turn-taking for voices that answer in turns: when to answer, when to begin on the quiet, when to give way.

A model behind chat completions hears nothing while it speaks and cannot be asked five times a second whether it is its
turn. So the turn is judged here, at each micro-turn, from what is known without it: what was said, how it ends, how
long it has been quiet, who holds the floor, and how fast this person goes. Pure: no clock, no await, no chance.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

from interaction.turntaking_line import Line
from interaction.turntaking_tempo import Tempo
from interaction.turntaking_words import Look, asks, at_clause, look
from orchestrator.context import Said
from orchestrator.effects import MicroTurn
from orchestrator.floor import could_be_backchannel, is_backchannel

__all__ = ["Backchannel", "Prepare", "Respond", "Turn", "TurnSettings", "Turntaking", "Wait", "Yield"]


class Wait(msgspec.Struct, frozen=True, tag="turn.wait"):
    """Nothing to do. With `keep` the answer that was prepared is still the one to give; without, throw it away."""

    reason: str
    keep: bool = False


class Prepare(msgspec.Struct, frozen=True, tag="turn.prepare"):
    """The person has probably finished: begin to answer `line`, and hold the answer back."""

    line: str
    reason: str


class Respond(msgspec.Struct, frozen=True, tag="turn.respond", omit_defaults=True):
    """The person has finished: answer `line`.

    `line` is all that they have said since the voice last answered, one utterance a line. It takes the place of
    whatever is being generated. `prepared`: the answer that was prepared last is the answer to this line.
    """

    line: str
    reason: str
    prepared: bool = False
    continues: bool = False
    """It goes on from a line that was answered."""
    corrects: str = ""
    """The words, answered already, that it is typed over."""


class Yield(msgspec.Struct, frozen=True, tag="turn.yield"):
    """The person has taken the floor: stop generating. What was asked and not answered comes again with the next
    line."""

    reason: str


class Backchannel(msgspec.Struct, frozen=True, tag="turn.backchannel"):
    """A listener's word that may be heard over the person (`ModelSpoke.overlap` is the reason)."""

    text: str
    reason: str


Turn: TypeAlias = Wait | Prepare | Respond | Yield | Backchannel


class TurnSettings(msgspec.Struct, frozen=True, omit_defaults=True):
    """Times are milliseconds of quiet, unless they say otherwise. The session gives the floor back after 600 ms
    behind a sentence's end and 1,500 ms behind any other line; nothing is answered before."""

    sentence_ms: int = 600
    """After a sentence's end."""
    complete_ms: int = 1_500
    """After a question or request that has no sign at its end but could stand so."""
    open_ms: int = 2_200
    """After a line of which one cannot tell."""
    unfinished_ms: int = 4_400
    """After a line that ends in the middle. The session tells of quiet up to 5,000 ms: below that, or never."""
    breath_ms: int = 4_000
    """After a line without an end, where the person has shown that they only take a breath (activity `pause`)."""
    preempt: bool = True
    """Whether to prepare at all."""
    prepares: int = 3
    """Preparations for one line at most: each costs a request."""
    prepare_share: float = 0.4
    """Which part of the quiet that would make it a Respond makes it a Prepare."""
    prepare_least_ms: int = 240
    prepare_ended_ms: int = 60
    """The least after a sentence's end: there the next key being overdue is enough. With a micro-turn for the grid, a
    model that is quicker than `sentence_ms` has then begun by the time the floor is given back, or soon after."""
    prepare_lead_ms: int = 220
    """How much before the Respond at the latest: a micro-turn, and a little for the grid."""
    prepare_gap_ms: int = 400
    """Between two preparations of one line; twice as long each time."""
    prepare_chars: int = 4
    """Shorter lines are not worth it."""
    backchannels: bool = True
    """Listener's words during a long telling that is spoken."""
    typed_backchannels: bool = False
    """The same for one that is typed."""
    backchannel_text: str = "Mm-hm."
    backchannel_gap_ms: int = 8_000
    """Time between two of them."""
    backchannel_after_ms: int = 6_000
    """How long the person has told before the first."""
    backchannel_quiet_ms: int = 250


_NEVER: Final = -(10**9)


class Turntaking:
    """Judges one conversation, micro-turn by micro-turn."""

    def __init__(self, settings: TurnSettings | None = None) -> None:
        self.settings: TurnSettings = settings or TurnSettings()
        self._line = Line()
        self._tempo = Tempo()
        self._held = ""
        self._prepares = 0
        self._next_prepare_ms = _NEVER
        self._spoken = False
        self._breath = False
        self._telling_since: int | None = None
        self._backchannel_ms = _NEVER
        self._backchannel_at = ""

    @property
    def pending(self) -> str:
        """What waits for an answer, or for more of it; empty once it is asked for."""
        return "" if self._line.asked is not None else self._line.pending

    def answered(self) -> None:
        """The answer to the last `Respond` has begun to be said, or is that nothing is to be said.

        Until then what the person adds belongs to the same answer: two lines, one answer.
        """
        self._line.settle()

    def hear(self, turn: MicroTurn, *, busy: bool = False) -> Turn:
        """What to do at this micro-turn.

        `busy`: the voice is generating or saying something, an answer or what it was offered; a preparation that is
        held back does not count.
        """
        began, words = self._take(turn)
        line, holds = self._line, turn.floor in ("person", "both")
        pending = line.pending
        if self._held and self._held != pending:
            self._held = ""
        if not holds or self._telling_since is None:
            self._telling_since = turn.at_ms if holds else None
        waiting = line.asked is not None
        if waiting and pending == line.asked and not (began and holds):
            return Wait("the answer is on its way")
        if waiting or busy or turn.unheard:
            given = self._gives_way(turn, holds=holds, began=began, words=words)
            if given is not None:
                return given
        if not pending:
            return Wait("all that was said is answered" if line.text.strip() else "nothing was said")
        if holds:
            return self._listen(turn, pending)
        return self._judge(turn, pending)

    # --- what was heard ----------------------------------------------------------------------------------------------

    def _take(self, turn: MicroTurn) -> tuple[bool, bool]:
        """Take in the pieces. Returns whether the person began typing or speaking, and whether words came or went."""
        line, began, words, inputs = self._line, False, False, 0
        for entry in turn.entries:
            if isinstance(entry, Said) and entry.backchannel:
                # With a listener's word the session begins a new line.
                line.enter()
        for piece in turn.heard:
            if piece.frame:
                continue
            # A bare Enter closes the line: whoever waits before it does not pause and go on.
            inputs += 1 if piece.text or piece.activity is not None else 0
            if piece.activity is not None:
                began = piece.activity in ("typing", "speaking")
                self._spoken = piece.activity in ("speaking", "pause") or (self._spoken and piece.activity == "silent")
                self._breath = piece.activity == "pause"
                if piece.activity == "silent":
                    line.enter()
                continue
            self._breath = False
            words = words or bool(piece.text.strip()) or piece.op == "delete"
            if piece.op == "delete":
                line.delete(len(piece.text))
            else:
                line.insert(piece.text)
            if piece.final:
                line.enter()
        self._tempo.hear(turn.at_ms, turn.quiet_ms, inputs)
        if not line.text:
            self._tempo.rest()
        return began, words

    def _gives_way(self, turn: MicroTurn, *, holds: bool, began: bool, words: bool) -> Turn | None:
        line, added = self._line, self._line.added
        may_pass = bool(added) and not turn.expecting
        if not holds:
            if may_pass and is_backchannel(added) and not turn.unheard:
                # Nothing to answer: it goes with what is being answered.
                waiting = line.asked is not None
                line.ask()
                if not waiting:
                    line.settle()
                return Wait("a listener's word, while the voice has the turn")
            return None
        if not (began or words):
            return None
        if may_pass and not began and not turn.unheard and could_be_backchannel(added):
            return Wait("it may become a listener's word")
        line.reopen()
        self._held = ""
        return Yield("the person took the floor" if not turn.unheard else "the person cut in")

    # --- judging -----------------------------------------------------------------------------------------------------

    def _listen(self, turn: MicroTurn, pending: str) -> Turn:
        if self._may_nod(turn):
            self._backchannel_ms, self._backchannel_at = turn.at_ms, pending
            return Backchannel(self.settings.backchannel_text, "a pause in a long telling")
        seen = self._look(turn)
        needed = self._needed(seen)
        if self._may_prepare(turn, pending, seen, needed):
            return self._prepare(turn, pending, seen)
        return Wait(self._why(turn, seen, needed), keep=self._held == pending)

    def _judge(self, turn: MicroTurn, pending: str) -> Turn:
        if self._line.closed:
            return self._respond(pending, "the person closed the line")
        seen = self._look(turn)
        needed = self._needed(seen)
        if turn.quiet_ms >= needed:
            return self._respond(pending, f"{_WHAT[seen]}, then {turn.quiet_ms} ms of quiet")
        if self._may_prepare(turn, pending, seen, needed):
            return self._prepare(turn, pending, seen)
        return Wait(self._why(turn, seen, needed), keep=self._held == pending)

    def _look(self, turn: MicroTurn) -> Look:
        return look(self._line.fresh if self._line.fresh.strip() else self._line.pending, answer=bool(turn.expecting))

    def _needed(self, seen: Look) -> int:
        """The quiet after which such a line is answered, at this person's tempo."""
        settings, pause = self.settings, self._tempo.pause_ms
        match seen:
            case "ended":
                needed = min(max(settings.sentence_ms, pause * 5 // 4), max(settings.sentence_ms, settings.complete_ms))
                return max(needed, settings.complete_ms) if self._breath else needed
            case "complete":
                needed = max(settings.complete_ms, pause * 3 // 2)
            case "open":
                needed = max(settings.open_ms, 2 * pause)
            case "unfinished":
                return settings.unfinished_ms
        needed = max(needed, settings.breath_ms) if self._breath else needed
        return min(needed, settings.unfinished_ms)

    def _may_prepare(self, turn: MicroTurn, pending: str, seen: Look, needed: int) -> bool:
        settings, tempo = self.settings, self._tempo
        if not settings.preempt or seen == "unfinished" or len(pending) < settings.prepare_chars:
            return False
        if self._held == pending or self._prepares >= settings.prepares or turn.at_ms < self._next_prepare_ms:
            return False
        if not self._line.closed and seen != "ended" and " " not in pending and not turn.expecting:
            return False
        likely: float
        if seen == "ended":
            likely, least = max(tempo.gap_ms, tempo.pause_ms * 6 // 5), settings.prepare_ended_ms
        else:
            likely = max(settings.prepare_share * needed, 2 * tempo.gap_ms, tempo.pause_ms * 6 // 5)
            least = settings.prepare_least_ms
        return turn.quiet_ms >= max(min(likely, needed - settings.prepare_lead_ms), least)

    def _prepare(self, turn: MicroTurn, pending: str, seen: Look) -> Prepare:
        self._next_prepare_ms = turn.at_ms + self.settings.prepare_gap_ms * 2**self._prepares
        self._prepares += 1
        self._held = pending
        return Prepare(pending, f"{_WHAT[seen]}, and {turn.quiet_ms} ms of quiet")

    def _respond(self, pending: str, reason: str) -> Respond:
        line, prepared = self._line, self._held == pending
        self._held, self._prepares, self._next_prepare_ms = "", 0, _NEVER
        self._tempo.rest()
        line.ask()
        return Respond(pending, reason, prepared, line.continues, line.corrects.strip())

    def _may_nod(self, turn: MicroTurn) -> bool:
        settings, text = self.settings, self._line.fresh
        if not (settings.backchannels if self._spoken else settings.typed_backchannels):
            return False
        if turn.quiet_ms < settings.backchannel_quiet_ms or turn.at_ms - self._backchannel_ms < (
            settings.backchannel_gap_ms
        ):
            return False
        told = 0 if self._telling_since is None else turn.at_ms - self._telling_since
        boundary = at_clause(text) or self._breath
        fresh = self._line.pending != self._backchannel_at
        return told >= settings.backchannel_after_ms and boundary and fresh and not asks(text)

    def _why(self, turn: MicroTurn, seen: Look, needed: int) -> str:
        return f"{_WHAT[seen]}; {turn.quiet_ms} of {needed} ms of quiet"


_WHAT: Final[dict[Look, str]] = {
    "ended": "a sentence's end",
    "complete": "words that could be all",
    "open": "words that may go on",
    "unfinished": "a line that ends in the middle",
}
