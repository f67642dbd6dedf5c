"""Work as the person talks about it: asked for, corrected, called off, asked after."""

from __future__ import annotations

import re
from typing import Final

from interaction.models.reflex_intents import AskStatus, CallOff, Correct, Request
from interaction.models.reflex_memory import Issued
from interaction.models.reflex_phrasing import ended, standing
from interaction.models.reflex_round import (
    OPEN,
    Round,
    change_unsent,
    delegate,
    give_up,
    handed_over_now,
    open_work,
    outdate,
    task_of,
    withdraw_unsent,
)
from interaction.models.reflex_tasks import corrected, hurried, same_matter, told
from interaction.models.reflex_tools import shared_groups
from interaction.models.reflex_words import in_words, pick
from orchestrator.effects import MicroTurn, Work
from orchestrator.events import ModelAmended, ModelCancelled, ModelDelegated
from orchestrator.finding import Urgency

__all__ = ["answer_question", "ask_for", "asker", "call_off", "change", "last_task", "report", "retype", "target"]

MOST_OPEN: Final = 16
"""Tasks that may run for one conversation at a time: a pasted page must not become hundreds."""

_ACKS: Final = ("On it.", "Let me see.", "One moment.", "Let me check.")
_SHORT_WORDS: Final = 4
_SHORT_ACK: Final = 6
_REFERENCE: Final = re.compile(
    r"(?P<verb>(?:read|open|show(?: me)?|search(?: for)?|look (?:up|at|in|for)|find|check|convert"
    r"|summari[sz]e|translate|list)"
    r"(?: in)?) (?P<it>(?:that|this|the) (?:file|one|page|document)|it|that|this|them|those)\b(?P<rest>.{0,80})",
    re.IGNORECASE,
)
_GENERIC: Final = re.compile(
    r"(?:the|that|this|my|last|search(?:ing)?|look(?:ing)?|up|for|work(?:ing)?|on|find(?:ing)?|request"
    r"|task|job|lookup|question|it|about|of"
    r"|calculat(?:ion|ing)|query|thing|one|\s)+",
    re.IGNORECASE,
)


# --- asked for -------------------------------------------------------------------------------------------------------


def ask_for(talk: Round, requests: list[Request], utterance: int) -> list[Issued]:
    """Hand over what was asked for, and say so in one short word."""
    made: list[Issued] = []
    running = {task_of(talk, work).casefold() for work in open_work(talk)}
    unseen = [item for item in talk.memory.issued if not item.delegation]
    running |= {item.task.casefold() for item in unseen}
    again = full = False
    for request in requests:
        task, urgent = hurried(_resolved(talk, request.task))
        if task.casefold() in running:
            again = True
            continue
        if len(open_work(talk)) + len(unseen) + len(made) >= MOST_OPEN:
            full = True
            continue
        tools = (request.tool,) if request.tool else ()
        urgency: Urgency = "high" if urgent else "normal"
        made.append(delegate(talk, ModelDelegated(task, tools, request.pool, urgency=urgency), utterance))
        running.add(task.casefold())
    if full:
        talk.confirm(f"I have {MOST_OPEN} tasks running; ask again when one is done.")
    elif again and not made:
        talk.acknowledge("I'm on it already.")
    elif made:
        talk.acknowledge(_taken(talk, made))
    return made


def _resolved(talk: Round, task: str) -> str:
    """ "Read it" with what "it" is: the place of the last answer, or what was asked for last."""
    match = _REFERENCE.fullmatch(task)
    if match is None:
        return task
    thing = talk.memory.last_source
    if not thing:
        last = last_task(talk)
        thing = told(last[0]).topic if last is not None else ""
    return f"{match.group('verb')} {thing}{match.group('rest')}" if thing else task


def _taken(talk: Round, made: list[Issued]) -> str:
    turn = talk.memory.acks
    if len(made) > 1:
        return "On both." if len(made) == 2 else f"On all {in_words(len(made))}."
    name = told(made[0].task)
    if turn % 2 == 0 and name.doing and len(name.doing.split()) <= _SHORT_ACK and '"' not in name.doing:
        return f"{name.doing[0].upper()}{name.doing[1:]}."
    return pick(_ACKS, turn // 2)


def last_task(talk: Round) -> tuple[str, str] | None:
    """What was asked for last, and the tool it went to."""
    if talk.memory.issued:
        last = talk.memory.issued[-1]
        return talk.memory.tasks.get(last.delegation, last.task), last.tool
    if talk.turn.work:
        last_work = talk.turn.work[-1]
        return task_of(talk, last_work), last_work.tools[0] if last_work.tools else ""
    return None


def answer_question(talk: Round, text: str, utterance: int) -> str:
    """Pass the person's words on as the answer to what the background asked. Returns the delegation."""
    finding = talk.turn.expecting
    talk.memory.answered.add(finding)
    delegation = asker(talk.turn, finding)
    talk.memory.utterances[delegation] = utterance
    talk.events.append(ModelAmended(delegation, text, answers=finding))
    talk.acknowledge(pick(("Thanks, I'll pass that on.", "Thanks."), talk.memory.acks))
    return delegation


def asker(turn: MicroTurn, finding: str) -> str:
    """The delegation that a finding belongs to."""
    known = [work.delegation for work in turn.work if finding.startswith(f"{work.delegation}.")]
    if known:
        return max(known, key=len)
    match = re.fullmatch(r"(.+-\d+)\.\d+(?:\.\d+)?", finding)
    return match.group(1) if match is not None else finding.rsplit(".", 1)[0]


# --- corrected -------------------------------------------------------------------------------------------------------


def target(talk: Round, correction: Correct) -> Issued | Work | None:
    """What a correction is about: what shares its words, else what was asked for last; running before ended."""
    candidates: list[Issued | Work] = [*handed_over_now(talk), *open_work(talk)]
    told_last = _told_last(talk)
    if told_last is not None and (not candidates or told_last not in candidates):
        # "No, I meant Lyon" right after the answer is about that answer, also while something older still runs.
        candidates.insert(0, told_last)
    if not candidates:
        candidates.extend([work for work in reversed(talk.turn.work) if work.state in ("done", "failed")][:4])
    if not candidates:
        return None
    words = f"{correction.old} {correction.new}"
    shared = [same_matter(words, _task(talk, item)) for item in candidates]
    return candidates[shared.index(max(shared))]


def _told_last(talk: Round) -> Work | None:
    """The ended task whose answer was the last thing said, if nothing was asked for since."""
    memory = talk.memory
    over = [work for work in talk.turn.work if work.state in ("done", "failed")]
    last = next(
        (work for work in over if any(name.startswith(f"{work.delegation}.") for name in memory.last_about)), None
    )
    if last is None or handed_over_now(talk):
        return None
    newest = max((memory.utterances.get(work.delegation, 0) for work in open_work(talk)), default=0)
    return last if memory.utterances.get(last.delegation, 0) > newest else None


def _task(talk: Round, item: Issued | Work) -> str:
    return talk.memory.tasks.get(item.delegation, item.task)


def change(
    talk: Round, about: Issued | Work, correction: Correct, utterance: int, request: Request | None
) -> Issued | None:
    """Correct a task: while it runs it is told, when it is done it is done anew in its place."""
    task = request.task if request is not None else corrected(_task(talk, about), correction.new, correction.old)
    tool = request.tool if request is not None else _tool(about)
    made = _put_right(talk, about, task, tool, correction.said, utterance, request.pool if request is not None else "")
    new = correction.new.rstrip(".!?")
    short = len(new.split()) <= _SHORT_WORDS
    talk.acknowledge(
        pick((f"Okay, {new}.", f"{new[0].upper()}{new[1:]}, then."), talk.memory.acks)
        if short and new
        else "Okay, changed."
    )
    return made


def _tool(about: Issued | Work) -> str:
    return about.tool if isinstance(about, Issued) else about.tools[0] if about.tools else ""


def _put_right(
    talk: Round, about: Issued | Work, task: str, tool: str, words: str, utterance: int, pool: str
) -> Issued | None:
    if isinstance(about, Issued):
        change_unsent(talk, about, task, tool)
        about.utterance = utterance
        return about
    if about.state in OPEN:
        talk.memory.tasks[about.delegation] = task
        talk.memory.utterances[about.delegation] = utterance
        talk.memory.last_acted = "work"
        outdate(talk, about.delegation)
        talk.events.append(ModelAmended(about.delegation, words))
        return next((item for item in talk.memory.issued if item.delegation == about.delegation), None)
    tools = (tool,) if tool else ()
    return delegate(talk, ModelDelegated(task, tools, pool, supersedes=about.delegation), utterance)


def retype(talk: Round, before: list[Issued], requests: list[Request], utterance: int) -> list[Issued]:
    """The person typed over what had been acted upon: each old task gives way to the new one in its place."""
    kept = [item for item in before if any(item.task == request.task for request in requests)]
    new = [request for request in requests if all(item.task != request.task for item in kept)]
    old = [item for item in before if item not in kept]
    made = list(kept)
    for item, request in zip(old, new, strict=False):
        made.extend(_replaced(talk, item, request, utterance))
    if len(new) > len(old):
        made.extend(ask_for(talk, new[len(old) :], utterance))
    elif new:
        talk.acknowledge("Okay, changed.")
    return made


def _replaced(talk: Round, item: Issued, request: Request, utterance: int) -> list[Issued]:
    if item in handed_over_now(talk):
        change_unsent(talk, item, request.task, request.tool)
        return [item]
    work = next((work for work in talk.turn.work if work.delegation == item.delegation), None)
    related = same_matter(item.task, request.task) or (request.tool and request.tool == item.tool)
    if work is None or (work.state in OPEN and not related):
        # Another matter altogether: what runs would have to begin anew, so the new task replaces it.
        tools = (request.tool,) if request.tool else ()
        return [
            delegate(talk, ModelDelegated(request.task, tools, request.pool, supersedes=item.delegation), utterance)
        ]
    made = _put_right(talk, work, request.task, request.tool, request.task, utterance, request.pool)
    return [made] if made is not None else []


# --- called off ------------------------------------------------------------------------------------------------------


def call_off(talk: Round, intent: CallOff) -> bool:
    """Call work off, and say which. Returns False when there was nothing that it could mean."""
    # What is found and not yet told can be called off too: then it is not told.
    untold = [work for work in talk.turn.work if work.untold and work.state in ("done", "failed")]
    fresh, running = handed_over_now(talk), [*open_work(talk), *untold]
    chosen: list[Issued | Work]
    if intent.everything:
        chosen = [*fresh, *running]
    elif not intent.what:
        asking = asker(talk.turn, talk.turn.expecting) if talk.turn.expecting else ""
        newest: list[Issued | Work] = [*fresh, *running]
        chosen = [*(work for work in running if work.delegation == asking)] or newest[:1]
    else:
        chosen = _meant(talk, intent.what, [*fresh, *running])
    if not chosen:
        return False
    for item in chosen:
        if isinstance(item, Issued):
            withdraw_unsent(talk, item)
        else:
            give_up(talk, item.delegation)
            talk.events.append(ModelCancelled(item.delegation))
    if len(chosen) == 1 and chosen[0] in untold:
        talk.say(f"Then I leave out {told(_task(talk, chosen[0])).noun}.")
    elif len(chosen) == 1:
        talk.say(f"I've stopped {told(_task(talk, chosen[0])).noun}.")
    else:
        talk.say(f"I've stopped all {in_words(len(chosen))} tasks.")
    return True


def _meant(talk: Round, what: str, candidates: list[Issued | Work]) -> list[Issued | Work]:
    scores = [2 * same_matter(what, _task(talk, item)) + shared_groups(what, _task(talk, item)) for item in candidates]
    if scores and max(scores) > 0:
        return [candidates[scores.index(max(scores))]]
    return candidates[:1] if _GENERIC.fullmatch(what) else []


# --- asked after -----------------------------------------------------------------------------------------------------


def report(talk: Round, intent: AskStatus) -> None:
    """Say how the work stands."""
    running = open_work(talk)
    fresh = [told(item.task).doing for item in talk.memory.issued if not item.delegation]
    named = [work for work in running if same_matter(intent.what, task_of(talk, work))] if intent.what else []
    asked = named or running
    if asked:
        text = standing(asked, talk.memory.tasks, talk.turn.at_ms)
        lead = {"done": "Not yet. ", "still": "Yes. "}.get(intent.closed, "")
        talk.say(lead + text)
    elif fresh:
        talk.say(f"I've just begun: {'; '.join(fresh)}.")
    elif talk.turn.work:
        talk.say(ended(talk.turn.work[-1], talk.memory.tasks))
    else:
        talk.say("Nothing is running now.")
