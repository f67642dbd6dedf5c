"""The brain of the embedded voice: hearing, understanding, memory and phrasing, joined.

Pure: no clock, no await, no chance.
Within a turn the person is answered first and told results after that; work is handed over before it is talked about.
"""

from __future__ import annotations

from typing import Final, assert_never

import msgspec

from interaction.models import reflex_items as items
from interaction.models import reflex_work as work
from interaction.models.reflex_hearing import QUIET_AFTER_END_MS, Hearing, Utterance
from interaction.models.reflex_intents import (
    Acknowledge,
    AskCount,
    AskStatus,
    CallOff,
    Correct,
    Echo,
    Follow,
    Hush,
    Intent,
    More,
    Repeat,
    Request,
    Schedule,
    SmallTalk,
    Understanding,
    Unknown,
    Unschedule,
)
from interaction.models.reflex_memory import Issued, Memory
from interaction.models.reflex_offers import deliver
from interaction.models.reflex_phrasing import shortened
from interaction.models.reflex_round import OPEN, Round, open_work, task_of
from interaction.models.reflex_smalltalk import answer
from interaction.models.reflex_tasks import corrected, same_matter
from interaction.models.reflex_tools import Toolset, pool_for
from orchestrator.effects import MicroTurn
from orchestrator.events import ModelEvent
from orchestrator.ports import Opening

__all__ = ["ReflexBrain"]

_ACTS_KEPT: Final = 64
_COMMANDS: Final = (Hush, CallOff, Schedule, Unschedule, AskCount, AskStatus, Repeat, More)
_NO_ANSWER: Final = frozenset({"hello", "how are you", "thanks", "who", "help", "hear", "joke", "bye"})
_KEEPS_THE_MATTER: Final = (AskStatus, Acknowledge, Hush, Repeat, More)


class _Act(msgspec.Struct):
    """What an utterance led to, so that words typed over it can put it right."""

    issued: list[Issued] = msgspec.field(default_factory=list[Issued])
    planned: list[str] = msgspec.field(default_factory=list[str])


class ReflexBrain:
    """One conversation's brain. With `filler` off it says no "On it."; whatever matters is still said."""

    def __init__(self, opening: Opening, *, filler: bool = True) -> None:
        self._tools = Toolset(opening.tools)
        self._pools = opening.pools
        self._understanding = Understanding(self._tools, opening.pools)
        self._hearing = Hearing(self._understanding.complete)
        self._memory = Memory()
        self._memory.recall(opening.context)
        self._acts: dict[int, _Act] = {}
        self._waiting: list[Utterance] = []
        self._filler = filler

    def turn(self, turn: MicroTurn) -> tuple[ModelEvent, ...]:
        """What the voice makes of one micro-turn. The last event is `ModelRested(turn.n)`."""
        if turn.tools is not None:
            self._tools = Toolset(turn.tools)
            self._understanding = Understanding(self._tools, self._pools)
            self._hearing.looks_complete = self._understanding.complete
        talk = Round(self._memory, turn, filler=self._filler)
        self._memory.begin(turn)
        waiting, self._waiting = self._waiting, []
        heard = self._hearing.hear(turn.heard, turn.quiet_ms)
        talk.typing = self._hearing.open and turn.quiet_ms < QUIET_AFTER_END_MS
        for utterance in waiting:
            self._take(talk, utterance, may_wait=False)
        for utterance in heard:
            self._take(talk, utterance, may_wait=True)
        deliver(talk)
        return talk.close()

    # --- one utterance -----------------------------------------------------------------------------------------------

    def _take(self, talk: Round, utterance: Utterance, *, may_wait: bool) -> None:
        memory = talk.memory
        intents = self._understanding.read(utterance.text)
        if may_wait and self._too_early(talk, intents):
            self._waiting.append(utterance)
            return
        memory.overhear(utterance.text, asking=any(isinstance(intent, AskCount) for intent in intents))
        expecting = talk.turn.expecting
        if expecting and expecting not in memory.answered and not self._is_command(intents, utterance.text):
            work.answer_question(talk, utterance.text, utterance.number)
            memory.matter = utterance.number
            return
        if not all(isinstance(intent, _KEEPS_THE_MATTER) for intent in intents):
            memory.matter = utterance.number
        act = _Act()
        requests = [intent for intent in intents if isinstance(intent, Request)]
        before = self._acts.get(utterance.revises)
        if before is not None:
            for item_id in before.planned:
                if item_id in memory.planned:
                    items.withdraw(talk, item_id)
            if before.issued and requests:
                act.issued = work.retype(talk, before.issued, requests, utterance.number)
                requests = []
            elif before.issued:
                act.issued = before.issued
        if requests:
            act.issued = work.ask_for(talk, requests, utterance.number)
        planned = [item for intent in intents if isinstance(intent, Schedule) for item in intent.items]
        if planned:
            known = set(memory.planned)
            items.put(talk, planned, utterance.number)
            act.planned = [item_id for item_id in memory.planned if item_id not in known]
        for intent in intents:
            if not isinstance(intent, Request | Schedule):
                act.issued.extend(self._answer(talk, intent, utterance))
        self._acts[utterance.number] = act
        self._acts.pop(utterance.number - _ACTS_KEPT, None)

    def _too_early(self, talk: Round, intents: tuple[Intent, ...]) -> bool:
        """Whether this is about a task whose id the session has not told yet; it has by the next turn."""
        unseen = [item for item in talk.memory.issued if not item.delegation and item.turn != talk.turn.n]
        return bool(unseen) and any(isinstance(intent, Correct | CallOff) for intent in intents)

    @staticmethod
    def _is_command(intents: tuple[Intent, ...], text: str) -> bool:
        return any(
            isinstance(intent, _COMMANDS)
            or (isinstance(intent, Request) and (intent.explicit or text.rstrip().endswith("?")))
            or (isinstance(intent, SmallTalk) and intent.kind in _NO_ANSWER)
            for intent in intents
        )

    def _answer(self, talk: Round, intent: Intent, utterance: Utterance) -> list[Issued]:
        """Deal with one intent. Returns the tasks it led to."""
        memory = talk.memory
        match intent:
            case Request():
                return work.ask_for(talk, [intent], utterance.number)
            case Schedule(items=planned):
                items.put(talk, list(planned), utterance.number)
            case Correct():
                return self._correct(talk, intent, utterance)
            case Follow():
                return self._follow(talk, intent, utterance)
            case CallOff():
                self._call_off(talk, intent)
            case Unschedule(kinds=kinds, words=words):
                if not items.take_off(talk, kinds, words):
                    talk.say("There's nothing like that on my list.")
            case Hush(waits=waits):
                if not waits:
                    self._no_more_of_it(talk)
                    items.hush_repeats(talk)
            case Acknowledge():
                self._acknowledged(talk, intent)
            case AskStatus():
                work.report(talk, intent)
            case AskCount(phrase=phrase):
                if not items.tally(talk, phrase):
                    wanted = phrase or "um"
                    talk.say(f'I\'m not counting that. Say "count how often I say {wanted}", and I will.')
            case Repeat(answer=answer_only):
                # What was cut comes again by itself; repeating it now would say it twice.
                if not memory.cut:
                    said = memory.last_answer if answer_only else memory.last_said
                    talk.say(said or memory.last_said or "I haven't said anything yet.")
            case More():
                self._more(talk)
            case Echo(text=text):
                talk.say(text)
            case SmallTalk(kind=kind):
                before = memory.numbers[kind] = memory.numbers.get(kind, -1) + 1
                talk.say(answer(kind, self._tools.told(), before))
            case Unknown(asked=asked):
                self._unknown(talk, asked=asked, ended=not talk.typing)
            case _:
                assert_never(intent)
        return []

    # --- what needs a second look ------------------------------------------------------------------------------------

    def _correct(self, talk: Round, correction: Correct, utterance: Utterance) -> list[Issued]:
        new = self._understanding.read(correction.new)
        if items.retime(talk, correction.new, utterance.number):
            return []
        about = work.target(talk, correction)
        request = next((intent for intent in new if isinstance(intent, Request)), None)
        if not correction.sure:
            task = talk.memory.tasks.get(about.delegation, about.task) if about is not None else ""
            if correction.old:
                if correction.old.casefold() not in task.casefold():
                    return self._answer(talk, Unknown(asked=False), utterance)
            elif request is not None and request.explicit and not same_matter(task, request.task):
                about = None  # "Sorry, what time is it?" corrects nothing
            elif not isinstance(new[0], Request | Unknown | Echo | Follow | Correct):
                return [made for intent in new for made in self._answer(talk, intent, utterance)]
        if about is None:
            if isinstance(new[0], Unknown | Follow | Correct):
                self._unknown(talk, asked=correction.sure, ended=not talk.typing)
                return []
            return [made for intent in new for made in self._answer(talk, intent, utterance)]
        made = work.change(talk, about, correction, utterance.number, request if request and request.explicit else None)
        return [made] if made is not None else []

    def _follow(self, talk: Round, follow: Follow, utterance: Utterance) -> list[Issued]:
        if any(same_matter(follow.new, task_of(talk, running)) for running in open_work(talk)):
            work.report(talk, AskStatus(follow.new))
            return []
        last = work.last_task(talk)
        if last is None:
            for intent in self._understanding.read(follow.new):
                return self._answer(talk, intent if not isinstance(intent, Follow) else Unknown(asked=True), utterance)
            return []
        task = corrected(last[0], follow.new)
        tool = self._tools.fit(task).tool or last[1]
        return work.ask_for(talk, [Request(task, tool, pool_for(task, self._pools, tool))], utterance.number)

    def _call_off(self, talk: Round, intent: CallOff) -> None:
        memory = talk.memory
        if intent.everything:
            cleared = items.clear(talk)
            if work.call_off(talk, intent):
                if cleared:
                    talk.say("The agenda is empty too.")
            else:
                talk.say("The agenda is empty now." if cleared else "There is nothing to stop.")
            return
        if not intent.what and memory.last_acted == "item" and memory.planned and not talk.turn.expecting:
            items.withdraw(talk, list(memory.planned)[-1])
            talk.confirm("Okay, that's off.")
            return
        if work.call_off(talk, intent) or (intent.what and items.take_off(talk, (), intent.what)):
            return
        if memory.cut or talk.turn.offers:
            self._no_more_of_it(talk)
        elif intent.what and open_work(talk):
            talk.say("I'm not working on that.")
        else:
            talk.say("Nothing is running." if intent.sure else "All right.")

    def _no_more_of_it(self, talk: Round) -> None:
        """The person does not want to hear it (again): neither what is offered now nor what was cut."""
        talk.settle(offer.finding.id for offer in talk.turn.offers)
        talk.settle(talk.memory.cut)
        talk.memory.cut, talk.memory.unheard = (), ""

    def _acknowledged(self, talk: Round, intent: Acknowledge) -> None:
        if not intent.bare:
            pending = talk.memory.cut or talk.turn.offers
            self._no_more_of_it(talk)
            if not pending and "thank" in intent.words.lower():
                talk.say("You're welcome.")
        elif intent.words and not talk.memory.last_said and not talk.turn.work:
            talk.say("I'm listening. Ask me to find or work something out, or say help.")

    def _more(self, talk: Round) -> None:
        memory = talk.memory
        if memory.rest:
            head, memory.rest = shortened(memory.rest)
            talk.say(head)
        elif memory.unheard and not memory.cut:
            talk.say(memory.unheard)
        elif open_work(talk):
            work.report(talk, AskStatus())
        elif not memory.cut:
            talk.say("That was all of it." if memory.last_said else "I haven't said anything yet.")

    def _unknown(self, talk: Round, *, asked: bool, ended: bool) -> None:
        """An honest word that these rules do not know it. To what is only told, a word at most, and none in between."""
        tools = self._tools.told()
        hands = f"With my tools I can help: {tools}." if tools else "I have no tools for it either."
        if asked:
            talk.say(f"I work by fixed rules, and none of them fits that. {hands}")
            return
        if not ended or any(job.state in OPEN for job in talk.turn.work):
            return
        talk.memory.statements += 1
        if talk.memory.statements == 1:
            talk.say("I hear you. I work by fixed rules: ask me to look something up, or say help.")
        else:
            talk.acknowledge("Mm-hm.")
