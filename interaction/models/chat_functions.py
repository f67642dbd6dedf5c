"""What the chat voice can do besides speaking: its functions, and how a call of one is read.

The schemas are made once and keep their bytes. Models get names and arguments wrong in a few ways that come again and
again; what is clearly meant is taken, and what is not comes back as a `Problem` in words that the model can act upon.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, TypeAlias, cast

import msgspec

from interaction.models import chat_words
from orchestrator.agenda_items import AfterSilence, AgendaItem, At, Every, OnCount, OnCue
from orchestrator.completions.asking import FunctionCall
from orchestrator.effects import MicroTurn, Work
from orchestrator.events import ModelAmended, ModelCancelled, ModelDelegated, ModelScheduled, ModelUnscheduled
from orchestrator.finding import Urgency
from orchestrator.ledger import OPEN
from orchestrator.ports import Opening

__all__ = ["NAMES", "Act", "Deed", "Functions", "Problem", "Silence", "item_arguments"]

NAMES: Final = tuple(chat_words.DESCRIPTIONS)
"""The functions there are."""

_NORMAL: Final[Urgency] = "normal"
_LEVELS: Final[dict[str, Urgency]] = {"low": "low", "normal": "normal", "high": "high"}
_WHEN: Final = ("in", "every", "silence", "cue", "count")
_LONGEST_SAY: Final = 160
_LONGEST_S: Final = 10 * 366 * 86_400
_SENTENCE_END: Final = re.compile(r"[.!?…\u3002\uff01\uff1f](?=\s|$)")


class Deed(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something the session is asked to do."""

    event: ModelDelegated | ModelAmended | ModelCancelled | ModelScheduled | ModelUnscheduled
    """What is sent."""
    say: str = ""
    """What the person is told at once."""
    result: str = ""
    """What the model is told, where it has to be told before the conversation shows it."""
    name: str = ""
    arguments: Mapping[str, Any] = {}
    """The call as it was understood; the prompt shows it so (`Prompt.called`)."""
    extra: Mapping[str, Any] = {}
    """What the server put on the call and wants back with it."""


class Silence(msgspec.Struct, frozen=True, omit_defaults=True):
    """Nothing is said; `findings` need no words."""

    findings: tuple[str, ...] = ()
    reason: str = ""
    result: str = "You say nothing."


class Problem(msgspec.Struct, frozen=True):
    """The call cannot be carried out; `text` tells the model why, and what it can do."""

    text: str


Act: TypeAlias = Deed | Silence


class Functions:
    """The functions of one assistant's voice."""

    def __init__(self, opening: Opening, *, strict: bool = False) -> None:
        """`strict`: schemas in the form that `strict: true` wants: everything required, what may be left out may be
        null."""
        self._pools = opening.pools
        self._tools = tuple(tool.name for tool in opening.tools)
        pools = self._pools if len(self._pools) > 1 else ()
        self.schemas: tuple[Mapping[str, Any], ...] = _schemas(pools, self._tools, strict)
        """What goes into `Request.tools`."""

    def read(
        self, call: FunctionCall, turn: MicroTurn, *, taken: Collection[str] = (), offered: Collection[str] = ()
    ) -> Act | Problem:
        """What a call means, as things stand in `turn`.

        `taken` are ids of agenda items that must not be given again, beside those in the turn
        (`Prompt.standing.scheduled`); `offered` are findings the voice may decide about, beside the turn's.
        """
        name = call.name.strip().removeprefix("functions.")
        if name not in NAMES:
            near = difflib.get_close_matches(name, NAMES, 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            return Problem(f"There is no function {name!r}.{hint} You have: {', '.join(NAMES)}.")
        if call.arguments is None:
            return Problem(f"The arguments of {name} could not be read: {call.problem or 'they are no JSON object'}.")
        given = {key: value for key, value in call.arguments.items() if value is not None}
        match name:
            case "delegate":
                return self._delegate(given, turn)
            case "amend":
                return self._amend(given, turn)
            case "cancel":
                return self._cancel(given, turn)
            case "schedule":
                return self._schedule(given, turn, taken)
            case "unschedule":
                return self._unschedule(given, turn, taken)
            case _:
                return self._stay_silent(given, turn, offered)

    def _delegate(self, given: Mapping[str, Any], turn: MicroTurn) -> Act | Problem:
        task = _words(given, "task") or _only_text(given, "say", "pool", "urgency", "tools", "replaces")
        if not task:
            return Problem("delegate needs `task`: what is to be done.")
        pool = _text(given, "pool")
        if pool and pool not in self._pools:
            known = {name.casefold(): name for name in self._pools}.get(pool.casefold(), "")
            if not known and self._pools:
                return Problem(f"There is no pool {pool!r}. There are: {', '.join(self._pools)}. Or leave it out.")
            pool = known
        tools = tuple(dict.fromkeys(name for name in _list(given, "tools") if name in self._tools))
        urgency = _LEVELS.get(_text(given, "urgency").casefold(), _NORMAL)
        replaces = _text(given, "replaces")
        if replaces:
            found = _task(replaces, turn.work)
            if isinstance(found, Problem):
                return found
            replaces = found.delegation
        say = _one_sentence(given)
        event = ModelDelegated(task, tools, pool, replaces, urgency)
        shown = _shown(task=task, say=say, pool=pool, tools=list(tools), replaces=replaces)
        if urgency != _NORMAL:
            shown["urgency"] = urgency
        return Deed(event, say, "Handed over.", "delegate", shown)

    def _amend(self, given: Mapping[str, Any], turn: MicroTurn) -> Act | Problem:
        text = _words(given, "text") or _only_text(given, "task_id", "say")
        if not text:
            return Problem("amend needs `text`: what is different now.")
        found = _meant(given, turn, can_be_done=True)
        if isinstance(found, Problem):
            return found
        if found.state in ("cancelled", "superseded"):
            return Problem(f"Task {found.delegation} was {found.state}. Delegate it anew if it is wanted.")
        answers = turn.expecting if _task_of(turn.expecting) == found.delegation else ""
        say = _one_sentence(given)
        event = ModelAmended(found.delegation, text, answers)
        shown = _shown(task_id=found.delegation, text=text, say=say)
        return Deed(event, say, chat_words.RESULT_CORRECTED.format(id=found.delegation), "amend", shown)

    def _cancel(self, given: Mapping[str, Any], turn: MicroTurn) -> Act | Problem:
        found = _meant(given, turn, can_be_done=False)
        if isinstance(found, Problem):
            return found
        if found.state not in OPEN and not found.untold:
            return Problem(f"Task {found.delegation} is {found.state} already; there is nothing to call off.")
        say = _one_sentence(given)
        shown = _shown(task_id=found.delegation, say=say)
        result = chat_words.RESULT_CANCELLED.format(id=found.delegation)
        return Deed(ModelCancelled(found.delegation), say, result, "cancel", shown)

    def _schedule(self, given: Mapping[str, Any], turn: MicroTurn, taken: Collection[str]) -> Act | Problem:
        item = _item(given, _next_id((*turn.agenda, *taken)))
        if isinstance(item, Problem):
            return item
        reply = _one_sentence(given, "reply")
        shown = {**item_arguments(item), **_shown(reply=reply)}
        return Deed(ModelScheduled(item), reply, chat_words.RESULT_SCHEDULED.format(id=item.id), "schedule", shown)

    def _unschedule(self, given: Mapping[str, Any], turn: MicroTurn, taken: Collection[str]) -> Act | Problem:
        there = turn.agenda
        wanted = _text(given, "id") or (there[0] if len(there) == 1 else "")
        everything = wanted.casefold() in ("all", "everything", "*")
        if not everything and wanted not in there and wanted not in taken:
            standing = f"On it stand: {', '.join(there)}." if there else "It is empty."
            return Problem(f"{wanted or 'Nothing'} is not on the agenda. {standing}")
        reply = _one_sentence(given, "reply")
        result = chat_words.RESULT_UNSCHEDULED.format(id="everything" if everything else wanted)
        shown = _shown(id="all" if everything else wanted, reply=reply)
        return Deed(ModelUnscheduled("" if everything else wanted), reply, result, "unschedule", shown)

    def _stay_silent(self, given: Mapping[str, Any], turn: MicroTurn, offered: Collection[str]) -> Act:
        # Where no id is named, nothing is acknowledged: what nobody has heard is not lost to a vague word.
        known = tuple(dict.fromkeys((*(offer.finding.id for offer in turn.offers), *offered)))
        meant = (_nearest(name, known) for name in _list(given, "findings"))
        return Silence(tuple(dict.fromkeys(name for name in meant if name)), _text(given, "reason"))


# --- schemas ---------------------------------------------------------------------------------------------------------


def _schemas(pools: tuple[str, ...], tools: tuple[str, ...], strict: bool) -> tuple[Mapping[str, Any], ...]:
    text: dict[str, Any] = {"type": "string"}
    delegate = {"task": text, "say": text}
    if pools:
        delegate["pool"] = {"type": "string", "enum": list(pools)}
    delegate["urgency"] = {"type": "string", "enum": list(_LEVELS)}
    if tools:
        delegate["tools"] = {"type": "array", "items": {"type": "string", "enum": list(tools)}}
    delegate["replaces"] = text
    schedule = {
        "when": {"type": "string", "enum": list(_WHEN)},
        "say": text,
        "seconds": {"type": "number"},
        "phrase": text,
        "times": {"type": "integer"},
        "over_speech": {"type": "boolean"},
        "reply": text,
    }
    silent = {"findings": {"type": "array", "items": text}, "reason": text}
    return (
        _function("delegate", delegate, ("task", "say"), strict),
        _function("amend", {"task_id": text, "text": text, "say": text}, ("task_id", "text"), strict),
        _function("cancel", {"task_id": text, "say": text}, ("task_id",), strict),
        _function("schedule", schedule, ("when", "say"), strict, say="words"),
        _function("unschedule", {"id": text, "reply": text}, ("id",), strict),
        _function("stay_silent", silent, (), strict),
    )


def _function(
    name: str, parameters: Mapping[str, Mapping[str, Any]], needed: tuple[str, ...], strict: bool, **prose: str
) -> Mapping[str, Any]:
    properties: dict[str, Any] = {}
    for key, schema in parameters.items():
        made = dict(schema)
        if strict and key not in needed:
            made["type"] = [schema["type"], "null"]
            if "enum" in schema:
                made["enum"] = [*schema["enum"], None]
        made["description"] = chat_words.PARAMETERS[prose.get(key, key)]
        properties[key] = made
    body: dict[str, Any] = {"name": name, "description": chat_words.DESCRIPTIONS[name]}
    if strict:
        body["strict"] = True
    required = list(properties) if strict else list(needed)
    body["parameters"] = {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
    return {"type": "function", "function": body}


# --- reading ---------------------------------------------------------------------------------------------------------


def _text(given: Mapping[str, Any], key: str) -> str:
    value = given.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return " ".join(str(value).split())


def _words(given: Mapping[str, Any], key: str) -> str:
    """A text whose lines are kept."""
    value = given.get(key)
    return value.strip() if isinstance(value, str) else _text(given, key)


def _only_text(given: Mapping[str, Any], *others: str) -> str:
    """The one text under a name we do not know: `query`, `request`, `question`, ... are clearly meant."""
    texts = [value.strip() for key, value in given.items() if isinstance(value, str) and key not in others]
    return texts[0] if len(texts) == 1 else ""


def _list(given: Mapping[str, Any], key: str) -> list[str]:
    value: Any = given.get(key)
    if isinstance(value, str):
        return [part for part in re.split(r"[\s,\[\]\"']+", value) if part]
    items = cast("Iterable[Any]", value) if isinstance(value, list | tuple) else ()
    return [item.strip() for item in items if isinstance(item, str) and item.strip()]


def _one_sentence(given: Mapping[str, Any], key: str = "say") -> str:
    say = _text(given, key)
    if len(say) <= _LONGEST_SAY:
        return say
    end = _SENTENCE_END.search(say)
    if end is not None and end.end() <= _LONGEST_SAY:
        return say[: end.end()]
    return say[:_LONGEST_SAY].rsplit(" ", 1)[0].rstrip(",;:") + "…"


def _shown(**arguments: Any) -> dict[str, Any]:
    return {key: value for key, value in arguments.items() if value not in ("", [])}


def _task_of(finding: str) -> str:
    return finding.partition(".")[0]


def _meant(given: Mapping[str, Any], turn: MicroTurn, *, can_be_done: bool) -> Work | Problem:
    named = _text(given, "task_id") or _text(given, "id") or _text(given, "task")
    if named:
        return _task(named, turn.work)
    asking = [work for work in turn.work if turn.expecting and work.delegation == _task_of(turn.expecting)]
    running = [work for work in turn.work if work.state in OPEN]
    ended = [work for work in turn.work if work.untold or (can_be_done and work.state in ("done", "failed"))]
    for choice in (asking if can_be_done else [], running, ended if not running else []):
        if len(choice) == 1:
            return choice[0]
    return Problem(f"Which task? Give `task_id`. {_listed(turn.work)}")


def _task(named: str, work: tuple[Work, ...]) -> Work | Problem:
    known = {each.delegation: each for each in work}
    found = _nearest(named, tuple(known))
    if found:
        return known[found]
    near = difflib.get_close_matches(named, known, 1, 0.5)
    hint = f" Did you mean {near[0]}?" if near else ""
    return Problem(f"There is no task {named!r}.{hint} {_listed(work)}")


def _nearest(named: str, known: tuple[str, ...]) -> str:
    """The one id that is clearly meant: as it stands, or by its end ("task 2" for "s-2"); else nothing."""
    named = named.strip("\"'`#. ")
    if named in known:
        return named
    tail = re.split(r"[\s:#]+", named.casefold())[-1]
    ends = [each for each in known if re.fullmatch(rf"(?:.*[-.])?{re.escape(tail)}", each.casefold())] if tail else []
    return ends[0] if len(ends) == 1 else ""


def _listed(work: tuple[Work, ...]) -> str:
    if not work:
        return "There are no tasks."
    return "Tasks: " + "; ".join(f"{each.delegation} ({each.state}): {each.task[:80]}" for each in work) + "."


def _next_id(taken: Iterable[str]) -> str:
    numbers = (int(name[1:]) for name in taken if re.fullmatch(r"a\d{1,9}", name))
    return f"a{max(numbers, default=0) + 1}"


def _number(given: Mapping[str, Any], key: str) -> float | None:
    value = given.get(key)
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if -_LONGEST_S <= value <= _LONGEST_S and math.isfinite(value) else None


def _item(given: Mapping[str, Any], name: str) -> AgendaItem | Problem:
    when, say, phrase = _text(given, "when").casefold(), _text(given, "say"), _text(given, "phrase")
    if when not in _WHEN:
        return Problem(f"schedule needs `when`: one of {', '.join(_WHEN)}.")
    seconds, times = _number(given, "seconds"), _number(given, "times")
    limit = max(int(times), 0) if times is not None else 0
    over = given.get("over_speech")
    silent = when == "count" and not say
    if not say and not silent:
        return Problem("schedule needs `say`: the words that are to be said.")
    if when in ("in", "every", "silence"):
        least = 0.2 if when == "every" else 0.0
        if seconds is None or seconds < least:
            return Problem(f"`when` = {when} needs `seconds`, a number of at least {least:g}.")
        ms = round(seconds * 1_000)
        over_speech = over is True
        if when == "in":
            return At(id=name, say=say, in_ms=ms, over_speech=over_speech)
        if when == "every":
            return Every(id=name, say=say, period_ms=ms, times=limit, over_speech=over_speech)
        return AfterSilence(id=name, say=say, quiet_ms=ms, once=times is None or limit == 1, over_speech=over_speech)
    if not phrase or len(phrase) > 200:
        return Problem(f"`when` = {when} needs `phrase`: the words to listen for, at most 200 characters.")
    if when == "cue":
        return OnCue(id=name, say=say, phrase=phrase, over_speech=over is not False)
    return OnCount(id=name, say=say, phrase=phrase, n=limit, silent=silent, over_speech=over is not False)


def item_arguments(item: AgendaItem) -> dict[str, Any]:
    """The arguments of `schedule` that make `item`."""
    match item:
        case At():
            when: dict[str, Any] = {"when": "in", "say": item.say, "seconds": item.in_ms / 1_000}
        case Every():
            when = {"when": "every", "say": item.say, "seconds": item.period_ms / 1_000}
            when |= {"times": item.times} if item.times else {}
        case AfterSilence():
            when = {"when": "silence", "say": item.say, "seconds": item.quiet_ms / 1_000}
            when |= {} if item.once else {"times": 0}
        case OnCue():
            when = {"when": "cue", "say": item.say, "phrase": item.phrase}
        case OnCount():
            when = {"when": "count", "say": item.say, "phrase": item.phrase}
            when |= {"times": item.n} if item.n else {}
    if "seconds" in when and float(when["seconds"]).is_integer():
        when["seconds"] = int(when["seconds"])
    if item.over_speech != isinstance(item, OnCue | OnCount):
        when["over_speech"] = item.over_speech
    return when
