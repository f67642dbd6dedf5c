"""Handing work over, correcting it, calling it off, and saying honestly how it stands."""

from __future__ import annotations

from typing import Final

import msgspec

from orchestrator.bundle import Bundle
from orchestrator.clock import Instant, to_ms
from orchestrator.config import SessionConfig
from orchestrator.context import Assigned, Found, Noticed
from orchestrator.delivery import cut_speech
from orchestrator.effects import Amend, Cancel, Delegate, Effect
from orchestrator.events import (
    BusDown,
    BusUp,
    DelegationUpdate,
    ModelAmended,
    ModelCancelled,
    ModelDelegated,
    ToolsChanged,
)
from orchestrator.finding import Finding
from orchestrator.ledger import OPEN, Job
from orchestrator.speech import take_back
from orchestrator.state import State

__all__ = [
    "PASSING",
    "amend",
    "announce",
    "arrive",
    "build",
    "bus_down",
    "bus_up",
    "cancel",
    "delegate",
    "equip",
    "look_after",
    "still_open",
    "tell",
    "update",
]

_BUS_DOWN = "the bus is down"
_AGAIN = "the task is tried again"
_BUS_UP = "the bus is up"
_NOBODY_THERE = "no worker has taken the task"
_WORKER_GONE = "the worker has gone, and no other has taken the task"
_STILL_WORKING = "a long silence while a task runs"
PASSING: Final = (_BUS_DOWN, _BUS_UP, _NOBODY_THERE, _WORKER_GONE, _STILL_WORKING)
"""Why the session says what is only true for the moment: not said any more after a break."""
_REASSURE_GROWTH = 3
"""Each further word of reassurance about the same task comes this many times later."""


def announce(state: State, text: str, reason: str, now: Instant) -> None:
    """The session itself says something; it is said again from the beginning if it is cut."""
    state.speech.say(text, keep=True, reason=reason, place="clause")
    state.note(Noticed(text=text), now)


def delegate(state: State, config: SessionConfig, event: ModelDelegated, now: Instant, out: list[Effect]) -> str:
    """Hand a task over. Returns its id, which derives from the session alone."""
    ledger = state.ledger
    job_id = f"{config.id}-{config.run}{'-' if config.run else ''}{ledger.count + 1}"
    revision = state.note(Assigned(delegation=job_id, task=event.task), now)
    pending = tuple(job.id for job in ledger.open_jobs() if job.id != event.supersedes)
    deadline_ms = event.deadline_ms or config.deadline_ms
    # A pool without the tool could not do it, whatever its name suggests to the voice.
    has_tool = next((config.routes[tool] for tool in event.tools if tool in config.routes), "")
    pool = has_tool or event.pool or config.pool
    job = Job(job_id, event.task, now, deadline_ms, revision, revision, tools=event.tools, pool=pool)
    job.urgency, job.waiting_since = event.urgency, now
    ledger.add(job)
    if event.supersedes:
        _replace(state, event.supersedes, f"{job_id} replaces it", now, out)
    out.append(_handed_over(job, pending, event.supersedes))
    state.collect(out)
    return job_id


def still_open(state: State) -> tuple[Delegate, ...]:
    """The hand-offs that have no answer yet, as they were made."""
    return tuple(_handed_over(job) for job in state.ledger.open_jobs())


def _handed_over(job: Job, pending: tuple[str, ...] = (), supersedes: str = "") -> Delegate:
    return Delegate(
        job.id, job.task, job.revision, job.tools, job.pool, pending, job.deadline_ms, supersedes, job.urgency
    )


def equip(state: State, config: SessionConfig, event: ToolsChanged) -> SessionConfig:
    """The background has other tools now. The voice is told; what runs goes on with those it began with."""
    for names, what in ((event.added, "can now also use"), (event.changed, "has another form of")):
        if names:
            state.notices.append(f"The background {what}: {', '.join(names)}.")
    if event.removed:
        state.notices.append(f"The background has no longer: {', '.join(event.removed)}.")
    return msgspec.structs.replace(config, routes=event.routes)


def build(state: State, config: SessionConfig, effect: Delegate) -> Bundle:
    """The bundle of a hand-off. The conversation is append-only, so building it later gives the same bundle."""
    job = state.ledger.jobs.get(effect.id)
    attempt = 0 if job is None else job.attempt if job.seen else job.attempt - 1
    return Bundle(
        effect.id,
        config.id,
        effect.task,
        state.context.view(until=effect.revision),
        effect.revision,
        effect.pending,
        effect.tools,
        effect.pool,
        effect.deadline_ms,
        tainted=state.leave.tainted,
        approved=tuple(state.leave.approved),
        urgency=effect.urgency,
        attempt=attempt,
    )


def _replace(state: State, job_id: str, reason: str, now: Instant, out: list[Effect]) -> None:
    job = state.ledger.jobs.get(job_id)
    if job is None or job.state in ("superseded", "cancelled") or not state.ledger.lawful:
        return
    was_open = job.state in OPEN
    _take_back(state, job, reason, now, out)
    state.ledger.end(job, "superseded", reason)
    state.note(Assigned(delegation=job_id, task=job.task, action="superseded"), now)
    if was_open:
        out.append(Cancel(job_id, reason))


def _take_back(state: State, job: Job, reason: str, now: Instant, out: list[Effect]) -> None:
    for note in state.ledger.of(job.id):
        cut_speech(state, note.finding.id, reason, now, out)
    if state.expecting.startswith(f"{job.id}."):
        state.expecting = ""


def amend(state: State, config: SessionConfig, event: ModelAmended, now: Instant, out: list[Effect]) -> None:
    """Pass a correction or an answer on. A task that is done already is done again with the correction."""
    job = state.ledger.jobs.get(event.delegation)
    if job is None or job.state in ("cancelled", "superseded"):
        state.notices.append(f"There is no task {event.delegation} to correct.")
        return
    if job.state not in OPEN or not (event.answers or state.ledger.lawful):
        if not event.answers:
            _again(state, config, job, event.text, now, out)
        elif state.expecting == event.answers:
            state.expecting = ""
        return
    answer = state.leave.answer(event.answers, state.context, event.text)
    if answer is None:
        state.notices.append("That question asks for leave, and the person has not answered it in words of their own.")
        return
    text, question = answer
    since = job.sent_revision
    job.sent_revision = state.note(Assigned(delegation=job.id, task=text, action="amended"), now)
    if event.answers:
        state.expecting = "" if state.expecting == event.answers else state.expecting
        for note in state.ledger.of(job.id):
            # A later attempt has asked the same once more; the answer goes to it, and the person need not hear it.
            if note.finding.kind == "question" and note.state == "owed" and note.finding.attempt > 1:
                state.ledger.settle(note, "acknowledged", "it was answered when an earlier attempt asked")
    else:
        job.required_revision = job.sent_revision
        job.corrections = (*job.corrections, text)
        for note in state.ledger.of(job.id):
            if note.finding.kind != "progress":
                cut_speech(state, note.finding.id, "the person corrected the request", now, out)
                state.ledger.settle(note, "superseded", "it answers the request as it was before the correction")
        job.told = ""  # what was heard was an answer to something else
    out.append(Amend(job.id, since, job.sent_revision, text, event.answers, question))
    state.collect(out)


def _again(state: State, config: SessionConfig, job: Job, correction: str, now: Instant, out: list[Effect]) -> None:
    task = f"{job.task} ({correction})"
    again = ModelDelegated(task, job.tools, job.pool, job.id, job.urgency, job.deadline_ms)
    delegate(state, config, again, now, out)


def cancel(state: State, event: ModelCancelled, now: Instant, out: list[Effect]) -> None:
    """Call a task off. The voice is told in plain words."""
    job = state.ledger.jobs.get(event.delegation)
    if job is None or job.state not in OPEN:
        # Done already: then what is still owed of it is what the person does not want to hear.
        owing = state.ledger.of(event.delegation)
        for note in owing:
            cut_speech(state, note.finding.id, event.reason, now, out)
            state.ledger.settle(note, "cancelled", event.reason)
        if not owing:
            state.notices.append(f"There is nothing to cancel: {event.delegation or 'no task'} is not running.")
        state.collect(out)
        return
    _take_back(state, job, event.reason, now, out)
    state.ledger.end(job, "cancelled", event.reason)
    state.note(Assigned(delegation=job.id, task=job.task, action="cancelled"), now)
    state.notices.append(f'The task "{job.task}" was cancelled.')
    out.append(Cancel(job.id, event.reason))
    state.collect(out)


def tell(state: State, out: list[Effect]) -> None:
    """What the person says reaches every open task: the two models keep sharing the conversation."""
    for job in state.ledger.open_jobs():
        if job.sent_revision < state.context.revision:
            out.append(Amend(job.id, job.sent_revision, state.context.revision))
            job.sent_revision = state.context.revision


def arrive(state: State, config: SessionConfig, finding: Finding, now: Instant, out: list[Effect]) -> None:
    """A finding comes in. One that answers what was asked before a correction sends the work out again."""
    before = state.ledger.notes.get(finding.id)
    job = state.ledger.jobs.get(finding.delegation)
    if job is not None and finding.attempt > job.attempt and not job.answered:
        for note in state.ledger.of(job.id):
            if note.state == "offered":
                # What the voice has made of it waits to be said, and the new attempt will tell the same again.
                cut_speech(state, note.finding.id, "the task was begun again", now, out)
    if finding.terminal and job is not None and not job.answered:
        _make_room(state, finding, now, out)
    state.leave.arrived(finding)
    stale = state.ledger.arrive(finding, now=now)
    if before is None and finding.id in state.ledger.notes:
        state.ledger.notes[finding.id].arrived_to = state.floor.floor
        if finding.kind != "progress":
            state.note(Found(finding=finding), now)
    state.collect(out)
    if stale is not None:
        _again(state, config, stale, "; ".join(stale.corrections), now, out)


def _make_room(state: State, answer: Finding, now: Instant, out: list[Effect]) -> None:
    """The one answer of a task is here, for the first time: what was to be told in its place is not."""
    if state.expecting.startswith(f"{answer.delegation}."):
        # Nobody waits for the answer to its question any more; another one may be put.
        state.expecting = ""
    for note in state.ledger.of(answer.delegation):
        if note.state == "offered":
            # A partial that nobody has begun to hear is contained in the answer.
            cut_speech(state, note.finding.id, f"{answer.id} replaces it", now, out)
            state.ledger.settle(note, "owed", f"{answer.id} is here")
        elif note.state == "speaking" and note.finding.kind == "partial" and not _contains(answer, note.finding):
            cut_speech(state, note.finding.id, f"{answer.id} says it otherwise", now, out)
            state.ledger.settle(note, "superseded", f"{answer.id} says it otherwise")


def _contains(answer: Finding, part: Finding) -> bool:
    return " ".join(part.text.split()) in " ".join(answer.text.split())


def update(state: State, event: DelegationUpdate, now: Instant, out: list[Effect]) -> None:
    """The bus tells how a task fares."""
    job = state.ledger.jobs.get(event.delegation)
    if job is not None and job.state == "failed" and event.state == "queued" and event.again:
        return _reopen(state, job, event.reason, now, out)
    if job is None or job.state not in OPEN or event.state in ("offered", "done", "failed", "superseded"):
        return None
    if event.state == "cancelled":
        reason = event.reason or "the background stopped it"
        state.ledger.end(job, "cancelled", reason)
        # The person did not call it off (then it would not be open here), so they must hear of it.
        announce(state, f"The work on {_named(job)} was stopped: {reason}.", "the background stopped a task", now)
    elif not (event.state == "queued" and job.state == "queued"):
        if event.state == "queued" and job.state == "running":
            job.waiting_since, job.stranded = now, True
        state.ledger.advance(job, event.state, event.reason)
    return state.collect(out)


def _reopen(state: State, job: Job, reason: str, now: Instant, out: list[Effect]) -> None:
    for note in state.ledger.of(job.id):
        # That it was given up is no longer so; who has not heard it yet need not hear it.
        cut_speech(state, note.finding.id, _AGAIN, now, out)
        state.ledger.settle(note, "superseded", _AGAIN)
    state.ledger.reopen(job, reason, now=now)
    announce(state, f"The work on {_named(job)} is being tried again.", _AGAIN, now)
    state.collect(out)


def bus_down(state: State, event: BusDown, now: Instant) -> None:
    """The background is away: a clear word to the person, once."""
    before, reason = state.bus_down, event.reason
    state.away.add(event.part)
    if before:
        return
    waiting = len(state.ledger.open_jobs())
    tail = (
        "Your request is kept and goes out" if waiting else "We can talk; anything I need to look up waits and goes out"
    )
    announce(state, f"I can't reach the background just now. {tail} as soon as it is back.", _BUS_DOWN, now)
    state.notices.append(f"The hand-off is down: {reason}" if reason else "The hand-off is down.")


def bus_up(state: State, event: BusUp, now: Instant) -> None:
    """A part is back; the background is when all of it is."""
    before = state.bus_down
    state.away.discard(event.part)
    if not before or state.bus_down:
        return
    # Nobody needs to hear of an outage that is over before they could be told.
    if not take_back(state.speech, _BUS_DOWN):
        announce(state, "The background is back.", _BUS_UP, now)
    state.notices.append("The hand-off is back.")


def look_after(state: State, config: SessionConfig, now: Instant, out: list[Effect]) -> None:
    """At each grid point: tasks nobody takes, tasks past their time, tasks that go on in a long silence."""
    if state.resumed_at is not None and to_ms(now) - to_ms(state.resumed_at) < config.resume_ms:
        # What they found while nobody was here is on its way.
        return
    for job in state.ledger.open_jobs():
        age_ms = to_ms(now) - to_ms(job.since)
        if age_ms >= job.deadline_ms + config.grace_ms:
            _give_up(state, config, job, now, out)
        elif job.state != "running":
            _say_nobody_works(state, config, job, now)
        elif config.reassure_ms is not None:
            _reassure(state, config.reassure_ms, job, now)


def _say_nobody_works(state: State, config: SessionConfig, job: Job, now: Instant) -> None:
    waits_ms = to_ms(now) - to_ms(max(job.since, job.waiting_since))
    # A task that goes from one dying worker to the next is told of ever more rarely.
    if state.bus_down or waits_ms < config.unclaimed_ms * _REASSURE_GROWTH**job.strandings:
        return
    if job.stranded:
        job.stranded = False
        job.strandings += 1
        text = f"The worker on {_named(job)} is gone. It goes on as soon as another one is there."
        announce(state, text, _WORKER_GONE, now)
    elif not (job.reported_missing or job.strandings):
        job.reported_missing = True
        text = f"Nobody is free to work on {_named(job)} yet. It starts as soon as a worker is there."
        announce(state, text, _NOBODY_THERE, now)


def _reassure(state: State, reassure_ms: int, job: Job, now: Instant) -> None:
    spoken = state.speech.last_emit or job.since
    since = max(job.since, spoken, state.person.last_input or job.since, state.resumed_at or job.since)
    wait = reassure_ms * _REASSURE_GROWTH**job.reassured
    if state.floor.floor != "nobody" or to_ms(now) - to_ms(since) < wait:
        return
    job.reassured += 1
    detail = f": {job.progress.rstrip('.')}" if job.progress else ""
    announce(state, f"Still working on {_named(job)}{detail}.", _STILL_WORKING, now)


def _give_up(state: State, config: SessionConfig, job: Job, now: Instant, out: list[Effect]) -> None:
    why = "the background could not be reached" if state.bus_down else "no answer came"
    if job.state != "running" and job.strandings and not state.bus_down:
        why = "its worker was lost and no other took it"
    elif not job.reported_missing and job.state != "running" and not state.bus_down:
        why = "no worker took it"
    text = f"I have to give up on {_named(job)}: {why} within {job.deadline_ms // 1_000} seconds."
    revision = max(job.required_revision, state.context.revision)
    out.append(Cancel(job.id, "it passed its deadline"))
    # Number 0 is the session's own: every delegation gets exactly one terminal answer, also when nobody is there.
    own = Finding.error(text).stamped(delegation=job.id, attempt=job.attempt, seq=0, context_revision=revision)
    arrive(state, config, own, now, out)


def _named(job: Job) -> str:
    """How the person would know a task again: also by what they made of it since."""
    task = _short(job.task)
    return f"{task} ({_short(job.corrections[-1])})" if job.corrections else task


def _short(task: str) -> str:
    line = " ".join(task.split())
    return f'"{line}"' if len(line) <= 60 else f'"{line[:57].rstrip()}..."'
