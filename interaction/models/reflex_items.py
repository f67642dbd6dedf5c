"""The agenda as the person talks about it: timers, cues and counts, put on, changed, asked after and taken off."""

from __future__ import annotations

import msgspec

from interaction.models.reflex_memory import Planned
from interaction.models.reflex_round import Round
from interaction.models.reflex_schedule import confirmation, item_kind, retimed
from interaction.models.reflex_words import content, number_of, phrase_key, stem, unquoted
from orchestrator.agenda_items import AgendaItem, Every, OnCount, OnCue
from orchestrator.events import ModelScheduled, ModelUnscheduled

__all__ = ["clear", "hush_repeats", "put", "retime", "take_off", "tally", "withdraw"]


def put(talk: Round, items: list[AgendaItem], utterance: int) -> None:
    """Put items on the agenda and confirm them in one sentence or two."""
    told: list[str] = []
    for item in items:
        taken = (*talk.turn.agenda, *talk.memory.planned)
        named = msgspec.structs.replace(item, id=talk.memory.new_id(item_kind(item), taken))
        talk.memory.planned[named.id] = Planned(named, utterance)
        talk.memory.last_acted = "item"
        talk.events.append(ModelScheduled(named))
        told.append(confirmation(named))
    talk.confirm(" ".join(told))


def retime(talk: Round, correction: str, utterance: int) -> bool:
    """ "No, I meant 10 minutes": the last timer at another time. Returns whether it was about a timer at all."""
    if talk.memory.last_acted != "item" or not talk.memory.planned:
        return False
    last = list(talk.memory.planned.values())[-1]
    changed = retimed(last.item, correction)
    if changed is None:
        return False
    withdraw(talk, last.item.id)
    put(talk, [changed], utterance)
    return True


def withdraw(talk: Round, item_id: str) -> None:
    """Take one item off, without a word."""
    talk.memory.planned.pop(item_id, None)
    before = len(talk.events)
    talk.events = [
        event for event in talk.events if not (isinstance(event, ModelScheduled) and event.item.id == item_id)
    ]
    if len(talk.events) == before:
        talk.events.append(ModelUnscheduled(item_id))


def take_off(talk: Round, kinds: tuple[str, ...], words: str) -> bool:
    """Take off what is meant and say so. Returns False when nothing on the agenda is meant."""
    active = [*dict.fromkeys((*talk.turn.agenda, *talk.memory.planned))]
    meant = [item_id for item_id in active if not kinds or item_id.rsplit("-", 1)[0] in kinds]
    wanted = set(content(words)) or (
        {stem(word) for word in words.lower().split()} - {"it", "that", "this", "the", "me"}
    )
    if wanted:
        meant = [item_id for item_id in meant if wanted & _words(talk, item_id)]
    elif not kinds:
        meant = meant[-1:]
    if not meant:
        return False
    only = talk.memory.planned.get(meant[0])
    for item_id in meant:
        withdraw(talk, item_id)
    if len(meant) > 1:
        talk.confirm("Okay, those are off.")
    elif only is not None and isinstance(only.item, OnCount):
        talk.confirm(f'Okay, no longer counting "{only.item.phrase}".')
    else:
        talk.confirm("Okay, that's off.")
    return True


def _words(talk: Round, item_id: str) -> set[str]:
    planned = talk.memory.planned.get(item_id)
    if planned is None:
        return set()
    item = planned.item
    text = f"{item.say} {item.phrase if isinstance(item, OnCue | OnCount) else ''}"
    return {stem(word.strip(".,!?\"':")) for word in text.lower().split()}


def clear(talk: Round) -> bool:
    """Take everything off the agenda, without a word. Returns whether anything was there."""
    if not talk.turn.agenda and not talk.memory.planned:
        return False
    talk.memory.planned.clear()
    talk.events.append(ModelUnscheduled())
    return True


def hush_repeats(talk: Round) -> None:
    """ "Stop" is also said to what speaks again and again. Cues and reminders stay."""
    repeats = [planned.item.id for planned in talk.memory.planned.values() if isinstance(planned.item, Every)]
    repeats += [item_id for item_id in talk.turn.agenda if item_id.startswith("every-") and item_id not in repeats]
    for item_id in repeats:
        withdraw(talk, item_id)


def tally(talk: Round, phrase: str) -> bool:
    """Say how often a phrase was heard. Returns False when it is not counted at all."""
    counts = dict(talk.turn.counts)
    if not phrase:
        if not counts:
            return False
        talk.say(
            "You have said "
            + ", ".join(f'"{name}" {number_of(_real(talk, name, n), "time")}' for name, n in counts.items())
            + "."
        )
        return True
    for name, n in counts.items():
        if phrase_key(name) in (phrase, phrase.removesuffix("s"), f"{phrase}s") or phrase_key(name) == phrase_key(
            unquoted(phrase)
        ):
            real = _real(talk, name, n)
            talk.say(
                f'You have said "{name}" {number_of(real, "time")}.' if real else f'You haven\'t said "{name}" so far.'
            )
            return True
    return False


def _real(talk: Round, phrase: str, counted: int) -> int:
    """The tally without the mentions in questions about it, if the session has counted those too."""
    for planned in talk.memory.planned.values():
        if isinstance(planned.item, OnCount) and planned.item.phrase == phrase and counted == planned.mentions:
            return counted - planned.asked
    return counted
