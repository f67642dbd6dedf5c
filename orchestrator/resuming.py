"""Taking a session up again after a break: what is kept of it, and what changes because nobody was there.

Time goes on in the absence. A reminder that came due is said on return, and a task that is past its deadline is given
up, but gently: open tasks first get `resume_ms` to tell again what they had found. What was only true for the moment
("nobody is free yet") is not said any more; repetitions that came due are left out; what is owed begins to wait anew.
An unfinished line has been heard as far as it went, and the next one is another line. A line that the voice had not
dealt with is said to it again.
"""

from __future__ import annotations

from typing import Final

import msgspec

from orchestrator import delivery, work
from orchestrator.clock import MS, Instant
from orchestrator.config import SessionConfig
from orchestrator.context import Context, Entry, Said
from orchestrator.effects import Amend, Cancel, Delegate, Effect, Heard, LedgerChanged
from orchestrator.errors import ConfigError
from orchestrator.ledger import OPEN
from orchestrator.speech import Speech, take_back
from orchestrator.state import Snapshot, State, Unproven

__all__ = ["VERSION", "Recap", "heard_before", "recap", "revive", "take", "twin"]

VERSION: Final = 2

_GAP: Final = 1_000_000
"""Numbers of parts and utterances go on beyond all that may have gone out after the last snapshot: a client that lived
on must not take a new part for one that it has."""

_ENCODER: Final = msgspec.msgpack.Encoder()
_STATES: Final = msgspec.msgpack.Decoder(State)
_ENTRIES: Final = msgspec.msgpack.Decoder(list[Entry])
_ELSEWHERE: Final = Context()


def take(
    state: State,
    config: SessionConfig,
    *,
    now: Instant,
    since: int,
    errands: tuple[Delegate | Amend | Cancel, ...],
) -> Snapshot:
    """The snapshot at `now`. Its price does not grow with the conversation before `since`."""
    context, state.context = state.context, _ELSEWHERE
    try:
        encoded = _ENCODER.encode(state)
    finally:
        state.context = context
    said = (_ENCODER.encode(context.view(since)),) if since < context.revision else ()
    ended = tuple(job.id for job in state.ledger.jobs.values() if job.state not in OPEN)
    return Snapshot(VERSION, now, _ENCODER.encode(config), encoded, said, since, context.revision, ended, errands)


def twin(state: State) -> State:
    """An equal state that shares nothing with this one that changes. Its price does not grow much with the
    conversation."""
    context, state.context = state.context, _ELSEWHERE
    try:
        other = _STATES.decode(_ENCODER.encode(state))
    finally:
        state.context = context
    other.context = Context(list(context.entries))
    return other


def revive(snapshot: Snapshot, *, now: Instant, config: SessionConfig | None) -> tuple[SessionConfig, State]:
    """Config and state to go on with at `now`. Raises `ConfigError` for what this version cannot read."""
    old, state = _read(snapshot)
    kept = old if config is None else msgspec.structs.replace(config, id=old.id, run=old.run)
    tick = kept.tick_ms * MS
    state.next_grid = Instant(state.started_at + ((now - state.started_at) // tick + 1) * tick)
    state.early, state.wake, state.reply_since = None, None, None
    state.closed = state.finished = state.stalled = state.voice_down = False
    state.resumed_at, state.held = now, ("", ())
    state.unproven.extend(_in_the_air(state.speech))
    # It was cut when the connection broke, not now.
    cut: list[Effect] = []
    delivery.silence(state, "the connection was lost", snapshot.at, cut)
    # Nobody is there to be stopped; but what became of each finding is told with the first thing that happens.
    state.ledger.changes.extend(change for change in cut if isinstance(change, LedgerChanged))
    delivery.rest(state, state.n, snapshot.at)
    state.speech.seal()
    state.speech.paused = False
    state.speech.seq += _GAP
    state.speech.utterances += _GAP
    _break_line_off(state, snapshot.at)
    _say_again(state, now)
    _forget_the_moment(state, now)
    state.floor.settle(person=False, assistant=state.speech.speaking, now=now)
    return kept, state


def _read(snapshot: Snapshot) -> tuple[SessionConfig, State]:
    if snapshot.version != VERSION:
        raise ConfigError(
            f"a session of format {snapshot.version} cannot be resumed",
            f"this version writes and reads format {VERSION}",
            "begin a new session",
        )
    try:
        config = msgspec.msgpack.decode(snapshot.config, type=SessionConfig)
        state = _STATES.decode(snapshot.state)
        entries = [entry for batch in snapshot.said for entry in _ENTRIES.decode(batch)]
    except msgspec.DecodeError as problem:
        raise ConfigError("a session cannot be resumed", f"what is kept of it: {problem}", "begin another") from problem
    if snapshot.since or len(entries) != snapshot.revision:
        raise ConfigError(
            "a session cannot be resumed",
            f"of {snapshot.revision} entries of its conversation {len(entries)} are there",
            "begin another",
        )
    state.context = Context(entries)
    return config, state


def _in_the_air(speech: Speech) -> list[Unproven]:
    """What had been sent and not confirmed: a client that lived on may still say that it was heard."""
    begun = {segment.utterance: segment for segment in (*speech.finished, *speech.queue)}
    reached = {utterance: segment.confirmed for utterance, segment in begun.items()}
    found: list[Unproven] = []
    for part in speech.unconfirmed:
        segment = begun.get(part.utterance)
        if segment is not None and segment.about:
            start, end = reached[part.utterance], reached[part.utterance] + part.chars
            reached[part.utterance] = end
            ends = segment.sealed and end >= len(segment.text)
            found.append(Unproven(part.seq, segment.text[start:end], segment.about, ends))
    return found


def heard_before(state: State, seq: int, now: Instant) -> None:
    """The client says, after a break, what it had played before it: that is not told a second time."""
    while state.unproven and state.unproven[0].seq <= seq:
        part = state.unproven.pop(0)
        for finding in part.about:
            note = state.ledger.notes.get(finding)
            if note is None or note.state != "owed":
                continue
            note.said += part.text
            note.continues = False
            if part.ends:
                if note.finding.kind == "question":
                    state.expect(note.finding)
                delivery.settle(state, note, "acknowledged", "it was heard before the connection was lost", now)


def _break_line_off(state: State, at: Instant) -> None:
    """The keys of an unfinished line were heard; whoever comes back begins a line of their own."""
    person = state.person
    if person.draft.strip():
        state.note(Said(text=person.draft, continues=person.continues), at)
    if person.draft or person.committed:
        state.agenda.hear("", final=True)
    person.draft, person.committed, person.continues = "", "", False
    person.unsure.clear()
    person.release(ended=True)


def _say_again(state: State, now: Instant) -> None:
    """To the voice that comes now: only what nobody has dealt with."""
    state.heard = [Heard(line, final=True) for line in state.asked]
    if state.asked:
        state.reply_since, state.reply_n = now, state.n + 1


def _forget_the_moment(state: State, now: Instant) -> None:
    state.away.clear()
    for reason in work.PASSING:
        take_back(state.speech, reason)
    state.agenda.pass_over(now)
    for job in state.ledger.open_jobs():
        job.reported_missing, job.reassured, job.strandings = False, 0, 0
        job.waiting_since = now
    for note in state.ledger.notes.values():
        # A card for someone who was not there to hear it would be no delivery.
        note.since = now


class Recap(msgspec.Struct, frozen=True):
    """How a conversation stands that is taken up again."""

    last_said: str = ""
    """The person's last words."""
    away_ms: int = 0
    running: int = 0
    """Tasks without an answer."""
    waiting: int = 0
    """Findings that the person is still to hear."""
    asked: str = ""
    """A question of the background that the person has heard and not answered."""

    def line(self, name: str) -> str:
        """One line for the person."""
        facts = [f'last you said "{_short(self.last_said)}"'] if self.last_said else []
        if self.running:
            facts.append(f"{_count(self.running, 'task')} {'is' if self.running == 1 else 'are'} running")
        if self.waiting:
            facts.append(f"{_count(self.waiting, 'result')} {'is' if self.waiting == 1 else 'are'} waiting")
        if self.asked:
            facts.append(f'you were asked "{_short(self.asked)}"')
        return f"Going on with {name}: {'; '.join(facts)}." if facts else f"Going on with {name}."


def recap(snapshot: Snapshot, *, away_ms: int = 0) -> Recap:
    """How the session in `snapshot` stands. Raises `ConfigError` as `revive` does."""
    _, state = _read(snapshot)
    lines = [entry.text for entry in state.context.entries if isinstance(entry, Said) and not entry.backchannel]
    said = state.person.draft if state.person.draft.strip() else lines[-1] if lines else ""
    owed = [note for note in state.ledger.notes.values() if note.finding.kind not in ("progress",)]
    return Recap(said.strip(), away_ms, len(state.ledger.open_jobs()), len(owed), _question(state))


def _question(state: State) -> str:
    for entry in reversed(state.context.entries if state.expecting else []):
        finding = getattr(entry, "finding", None)
        if getattr(finding, "id", "") == state.expecting:
            return str(getattr(finding, "text", ""))
    return ""


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:57].rstrip()}..."
