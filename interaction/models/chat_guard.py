"""The guard behind the model: it holds what a prompt cannot promise.

The voice feeds it what the model streams, and sends on what comes out. Where nothing is at stake, text passes at once,
piece by piece. Where something is (a task is open, a finding was withdrawn, a sentence begins like one that was just
said), a sentence waits until it is whole, is judged by the rules, and goes out or is withheld with its reason. The same
comes out however the stream is cut. Pure: no clock, no await, no chance.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from interaction.models import chat_guard_rules as rules
from interaction.models.chat_guard_memory import GuardMemory
from interaction.models.chat_guard_rules import Scene
from interaction.models.chat_guard_sentences import Knowledge, normal, plain_sentences, sentence_end
from orchestrator.context import Entry
from orchestrator.effects import Floor, MicroTurn, Offer, Work
from orchestrator.floor import is_backchannel

__all__ = ["Guard", "GuardSettings", "Kind", "Refusal", "Rule", "Withheld"]

Kind = Literal["reply", "tell"]
"""`reply`: an answer to what the person said. `tell`: the words for findings that are offered."""

Rule = Literal["floor", "freshness", "duplicate", "progress", "delegated", "hand-off"]
"""`progress`: it announces progress as the answer. `delegated`: it answers a delegated question itself. `hand-off`: it
says more beside a hand-off than that there is one."""

_OPEN: Final = ("offered", "queued", "running")
_HONEST: Final[frozenset[Rule]] = frozenset(("progress", "delegated", "hand-off"))
_LEAST_WORDS: Final = 4
_LOOK_BACK: Final = 16
"""Characters that are looked at again when more has come: an end is certain only with the next one."""
_SHOWN_WITHIN: Final = 3
"""Micro-turns within which the session shows a task that was handed over."""


class Withheld(msgspec.Struct, frozen=True):
    """Words of the model that did not go out: which rule held them back, and why, in words for the model."""

    text: str
    rule: Rule
    reason: str


class Refusal(msgspec.Struct, frozen=True):
    """A call that was not carried out; `reason` is what the model is told."""

    rule: Rule
    reason: str


class GuardSettings(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the guard does where it may do one thing or the other."""

    fallback: str = "I'm still on that."
    """Said where all of an answer was withheld because a task is open; empty: nothing."""
    acknowledgement: str = "I'm looking into it."
    """The same, where the task was handed over in that very answer."""
    remembered: int = 6
    """Utterances that are looked back upon for repetitions."""
    acknowledgement_words: int = 12
    """A sentence beside a hand-off may be so long."""


class Guard:
    """Stands between the model's stream and the session, for one conversation.

    `known`: what the model may repeat beside the conversation (its instructions).
    """

    def __init__(self, settings: GuardSettings | None = None, *, known: str = "") -> None:
        self.settings: GuardSettings = settings or GuardSettings()
        self.withheld: list[Withheld] = []
        """What was withheld of the present answer."""
        self._known = known
        self._memory = GuardMemory()
        self._floor: Floor = "nobody"
        self._work: tuple[Work, ...] = ()
        self._notices: tuple[str, ...] = ()
        self._issued: dict[str, int] = {}
        self._answer = _Answer("reply", "")
        self._scene: Scene | None = None

    # --- what it is told of the session ------------------------------------------------------------------------------

    def recall(self, entries: tuple[Entry, ...]) -> None:
        """The conversation so far (`Opening.context`)."""
        self._memory.learn(entries)

    def look(self, turn: MicroTurn) -> None:
        """A micro-turn: who holds the floor, what is open, what was said, found, heard and withdrawn since.

        To be called at each of them, before anything else is done with it.
        """
        self._memory.learn(turn.entries)
        self._memory.offered(turn.offers)
        self._floor, self._work = turn.floor, turn.work
        self._notices = (*self._notices[-4:], *turn.notices)
        shown = {normal(work.task) for work in turn.work}
        # What the session does not show a few turns later it did not take.
        self._issued = {task: left - 1 for task, left in self._issued.items() if left > 0 and normal(task) not in shown}
        self._scene = None

    # --- one answer --------------------------------------------------------------------------------------------------

    def begin(
        self,
        kind: Kind,
        *,
        line: str = "",
        offers: tuple[Offer, ...] = (),
        work: tuple[Work, ...] | None = None,
        said_before: tuple[str, ...] = (),
    ) -> None:
        """The model begins an answer to `line`, or to tell `offers`.

        `work` takes the place of what the last micro-turn showed. `said_before`: utterances that are not in the
        conversation yet, because the person is still hearing them.
        """
        memory, self.withheld = self._memory, []
        memory.answer()
        memory.line(line)
        memory.offered(offers)
        if work is not None:
            self._work = work
        answer = self._answer = _Answer(kind, line, offers)
        for text in (*memory.spoken[-self.settings.remembered :], *said_before, *(offer.said for offer in offers)):
            answer.said.update(plain_sentences(text))
        answer.before = said_before
        self._scene = None

    def say(self, text: str, *, overlap: bool = False) -> str:
        """The model has said `text`. Returns what may go out now; the rest waits until its sentence is whole.

        `overlap`: it may be heard over the person.
        """
        answer = self._answer
        if self._floor in ("person", "both") and not overlap:
            answer.over += answer.sentence[answer.sent :] + text
            answer.sentence, answer.sent, answer.looked_at = "", 0, 0
            return ""
        self._floored()
        answer.sentence += text
        out = ""
        while (end := sentence_end(answer.sentence, answer.looked_at)) is not None:
            out += self._close(end)
        answer.looked_at = max(len(answer.sentence) - _LOOK_BACK, 0)
        # The space before a sentence waits for it: what is judged late must not count as begun.
        if answer.sentence.strip() and (answer.sent or not self._at_stake()):
            out += answer.sentence[answer.sent :]
            answer.sent = len(answer.sentence)
        return self._out(out)

    def end(self) -> str:
        """The model has finished: what may still go out, or one honest sentence where all of a reply was withheld.

        Where a finding was to be told there is none: that sentence would count as the finding told.
        """
        answer, settings = self._answer, self.settings
        self._floored()
        out = self._out(self._close(len(answer.sentence)))
        held = self._floor in ("person", "both")
        broken = {withheld.rule for withheld in self.withheld}
        honest = broken & _HONEST or ("freshness" in broken and self._open())
        if answer.out or held or answer.kind == "tell" or not honest:
            return out
        return self._out(settings.acknowledgement if answer.handed_over and settings.fallback else settings.fallback)

    def once_more(self) -> str:
        """What was withheld of a reply only because it was said before, where nothing else is left of it.

        Who asks hears the same again rather than nothing; who only put in a listener's word does not.
        """
        answer = self._answer
        if answer.kind != "reply" or answer.out or is_backchannel(answer.line):
            return ""
        if any(withheld.rule != "duplicate" for withheld in self.withheld):
            return ""
        return self._out(" ".join(withheld.text for withheld in self.withheld))

    def delegate(self, task: str, work: tuple[Work, ...] | None = None, *, supersedes: str = "") -> Refusal | None:
        """The model wants to hand `task` over. `None`: it may, and the answer goes on beside a hand-off."""
        for open_work in self._work if work is None else work:
            if open_work.state not in _OPEN or open_work.delegation == supersedes:
                continue
            if rules.same_task(task, open_work.task):
                name = open_work.delegation
                return Refusal(
                    "duplicate",
                    f"That is being worked on already as {name} ({open_work.task}). "
                    f"Amend {name} if it is to be done otherwise, or tell the person that it is on its way.",
                )
        if not supersedes and any(rules.same_task(task, issued) for issued in self._issued):
            return Refusal(
                "duplicate", "You have handed that over a moment ago. Tell the person that it is on its way."
            )
        self._issued[task] = _SHOWN_WITHIN
        self._answer.handed_over = (*self._answer.handed_over, task)
        self._scene = None
        return None

    def acted(self) -> None:
        """The model has scheduled, amended or cancelled something in this answer: "Done." is about that."""
        self._answer.acted = True
        self._scene = None

    # --- judging -----------------------------------------------------------------------------------------------------

    def _close(self, end: int) -> str:
        """The sentence is whole: what of it goes out."""
        answer = self._answer
        sentence, sent = answer.sentence[:end], answer.sent
        answer.sentence, answer.sent, answer.looked_at = answer.sentence[end:], 0, 0
        if not sentence.strip():
            return sentence[sent:]
        if not sent:
            withheld = self._judge(sentence.strip())
            if withheld is not None:
                self.withheld.append(withheld)
                return ""
            if answer.handed_over and not sentence.rstrip().endswith("?"):
                answer.acknowledged = True
        answer.said.add(normal(sentence))
        self._scene = None if self._scene is None else msgspec.structs.replace(self._scene, said=frozenset(answer.said))
        return sentence[sent:]

    def _judge(self, sentence: str) -> Withheld | None:
        scene, answer = self._look_round(), self._answer
        if answer.offers and all(offer.finding.id in self._memory.gone for offer in answer.offers):
            return Withheld(sentence, "freshness", "what was to be told is no longer current")
        if answer.offers and all(offer.finding.id in self._memory.heard for offer in answer.offers):
            return Withheld(sentence, "duplicate", "the person has heard this finding already")
        beside = rules.oversteps(
            sentence, scene, acknowledged=answer.acknowledged, longest=self.settings.acknowledgement_words
        )
        first: tuple[tuple[Rule, str], ...] = (
            ("freshness", rules.stale(sentence, scene)),
            ("duplicate", rules.repeats(sentence, scene)),
        )
        for rule, reason in first:
            if reason:
                return Withheld(sentence, rule, reason)
        # What would have gone out had it come word by word goes out in one piece as well.
        if not answer.handed_over and not self._memory.gone and rules.harmless_so_far(sentence, scene):
            return None
        verdicts: tuple[tuple[Rule, str], ...] = (
            ("progress", rules.claims_the_end(sentence, scene)),
            ("delegated", rules.answers_itself(sentence, scene)),
            ("hand-off", beside),
        )
        return next((Withheld(sentence, rule, reason) for rule, reason in verdicts if reason), None)

    def _at_stake(self) -> bool:
        """Whether the sentence that has begun may still have to be withheld."""
        answer = self._answer
        if answer.handed_over or self._memory.gone:
            return True
        if answer.offers and all(offer.finding.id in self._memory.heard for offer in answer.offers):
            return True
        beginning = normal(answer.sentence)
        if any(said.startswith(beginning) and said.count(" ") >= _LEAST_WORDS - 1 for said in answer.said):
            return True
        return bool(self._open()) and not rules.harmless_so_far(answer.sentence, self._look_round())

    def _open(self) -> tuple[Work, ...]:
        """Tasks whose answer is neither there nor offered."""
        ended = {offer.finding.delegation for offer in self._answer.offers if offer.finding.terminal}
        shown = tuple(work for work in self._work if work.state in _OPEN and work.delegation not in ended)
        # An answer may take a second request, which begins before the session has shown what the first handed over.
        just = (task for task in self._issued if task not in self._answer.handed_over)
        return (*shown, *(Work("", task, "offered") for task in just))

    def _look_round(self) -> Scene:
        if self._scene is not None:
            return self._scene
        answer, memory, open_work = self._answer, self._memory, self._open()
        withdrawn = memory.withdrawn()
        live = tuple(offer.finding for offer in answer.offers if offer.finding.id not in memory.gone)
        known = Knowledge()
        if open_work or answer.handed_over or withdrawn:
            known = Knowledge(
                self._known,
                answer.line,
                *memory.lines,
                *memory.spoken,
                *answer.before,
                *memory.told(),
                *(finding.text for finding in live),
                *(source.title for finding in live for source in finding.sources),
                *(f"{work.task} {work.progress}" for work in self._work),
                *answer.handed_over,
                *self._notices,
            )
        self._scene = Scene(
            line=answer.line,
            telling=answer.kind == "tell",
            offers=live,
            open=open_work,
            handed_over=answer.handed_over,
            acted=answer.acted,
            known=known,
            said=frozenset(answer.said),
            gone=withdrawn,
        )
        return self._scene

    def _floored(self) -> None:
        answer = self._answer
        if answer.over.strip():
            self.withheld.append(Withheld(answer.over.strip(), "floor", "the person had the floor"))
        answer.over = ""

    def _out(self, text: str) -> str:
        answer = self._answer
        if not answer.out:
            text = text.lstrip()
        answer.out = answer.out or bool(text)
        return text


class _Answer(msgspec.Struct):
    """What is known of the answer that is being streamed."""

    kind: Kind
    line: str
    offers: tuple[Offer, ...] = ()
    before: tuple[str, ...] = ()
    said: set[str] = msgspec.field(default_factory=set[str])
    """Sentences that were said lately or in this answer, as `normal` writes them."""
    sentence: str = ""
    """The sentence that has begun."""
    sent: int = 0
    """How much of it has gone out."""
    looked_at: int = 0
    """Before that it does not end."""
    over: str = ""
    """What came while the person held the floor."""
    out: bool = False
    """Whether anything has gone out."""
    handed_over: tuple[str, ...] = ()
    acknowledged: bool = False
    acted: bool = False
