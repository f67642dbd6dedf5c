"""From owed to heard: asking the timing policy, carrying out what it decides, and knowing what became of it."""

from __future__ import annotations

from orchestrator.clock import START, Instant, after, from_ms, to_ms
from orchestrator.config import SessionConfig
from orchestrator.context import Interrupted, Noticed, Settled, Spoke
from orchestrator.decisions import Drop, Hold, Splice, Style
from orchestrator.effects import NOT_CURRENT, Effect, Emit, FindingState, Offer, StopSpeaking
from orchestrator.events import ModelRested, ModelSpoke
from orchestrator.finding import CRITICAL, Finding
from orchestrator.growing import first_sentence, goes_on, reached
from orchestrator.ledger import Note
from orchestrator.speech import Cut, Segment, being_told, take_back_answers
from orchestrator.state import State
from orchestrator.timing.moment import Moment, Pending, TimingPolicy

__all__ = [
    "cut_speech",
    "decide",
    "give_up_waiting",
    "hear_out",
    "phrased",
    "rest",
    "rested",
    "settle",
    "silence",
    "verbatim",
]

_MOVED_ON_TOPICS = 2
"""So many new requests after a cut delivery, and the person is held to have moved on."""
_ENOUGH_CUTS = 3
_BRIEF = 200
"""Characters of a finding that are read out where it is to be told in short."""


def settle(state: State, note: Note, to: FindingState, reason: str, now: Instant) -> None:
    """Move a finding to an end and write it into the conversation."""
    state.ledger.settle(note, to, reason)
    if note.finding.kind != "progress":
        state.note(Settled(finding=note.finding.id, state=to, reason=reason), now)


def _moment(state: State, now: Instant) -> Moment:
    return Moment(
        now=now,
        floor=state.floor.floor,
        floor_since=state.floor.since,
        quiet_ms=state.person.quiet_ms(now),
        ended=state.person.ended,
        tempo_ms=state.person.tempo_ms,
        pause_ms=state.person.tempo.pause_ms(ended=state.person.ended),
        answered=state.voice_down
        or state.person.last_input is None
        or max(state.speech.last_emit or START, state.acted_at or START) >= state.person.last_input,
        unsure=bool(state.person.unsure),
        reply_due=state.reply_since is not None,
        remaining_chars=state.speech.remaining,
        to_clause_chars=state.speech.to_next_clause(),
        delivering=(
            *state.speech.delivering(),
            *(n.finding.id for n in state.ledger.notes.values() if n.state == "offered"),
        ),
        last_splice=state.last_splice,
        topic=state.topic,
        running=len(state.ledger.open_jobs()),
    )


def _pending(state: State, note: Note) -> Pending:
    moved_on = note.cuts >= _ENOUGH_CUTS or (note.cuts > 0 and state.topic - note.topic >= _MOVED_ON_TOPICS)
    job = state.ledger.jobs.get(note.finding.delegation)
    return Pending(
        note.finding,
        note.arrived,
        note.since,
        note.offers,
        note.unspoken,
        note.cuts,
        note.said,
        moved_on,
        job.revision if job is not None else 0,
        note.arrived_to,
        note.taken,
    )


def decide(state: State, policy: TimingPolicy, now: Instant, out: list[Effect]) -> tuple[Offer, ...]:
    """Let the policy decide about all that is owed. Returns what the voice is to phrase at this micro-turn."""
    offers: list[Offer] = []
    _take_back_stale(state, now, out)
    owed = _tellable(state)
    rounds = len(owed) + 1
    while owed and rounds:
        rounds -= 1
        moment = _moment(state, now)
        pending = tuple(_pending(state, note) for note in owed)
        decision = policy.decide(moment, pending) or Hold("no policy had an opinion")
        match decision:
            case Hold():
                _hold(state, decision, owed, now, out)
                break
            case Drop():
                if not _drop(state, decision, owed, now, out):
                    break
            case Splice():
                offers.extend(_splice(state, decision, owed, now, out))
        state.collect(out)
        owed = _tellable(state)
    if not owed:
        state.held = ("", ())
    return tuple(offers)


def _take_back_stale(state: State, now: Instant, out: list[Effect]) -> None:
    """What the voice was given in time and has not begun to say in time is not said."""
    for note in list(state.ledger.notes.values()):
        expires = note.finding.expires_at_ms
        if note.state != "offered" or note.finding.terminal or note.finding.kind == "question" or expires is None:
            continue
        if expires <= to_ms(now) and state.ledger.lawful:
            reason = "it went stale before the voice had begun to say it"
            cut_speech(state, note.finding.id, reason, now, out)
            settle(state, note, "expired", reason, now)


def _tellable(state: State) -> list[Note]:
    """What is owed, but one question at a time: of two, an answer could only be meant for one."""
    notes = state.ledger.notes.values()
    asking = bool(state.expecting) or any(
        note.finding.kind == "question" and note.state in ("offered", "speaking") for note in notes
    )
    tellable: list[Note] = []
    for note in state.ledger.owed():
        if note.finding.kind == "question":
            if asking:
                continue
            asking = True
        tellable.append(note)
    return tellable


def _chosen(decision: Hold | Drop | Splice, owed: list[Note]) -> list[Note]:
    by_id = {note.finding.id: note for note in owed}
    return [by_id[finding] for finding in decision.findings if finding in by_id]


def _hold(state: State, hold: Hold, owed: list[Note], now: Instant, out: list[Effect]) -> None:
    waiting = hold.findings or tuple(note.finding.id for note in owed)
    if hold.until_ms is not None:
        until = from_ms(hold.until_ms)
        if until > now and (state.wake is None or until < state.wake):
            state.wake = until
    if state.held != (hold.reason, waiting):
        state.held = (hold.reason, waiting)
        out.append(Hold(hold.reason, waiting, hold.until_ms))


def _drop(state: State, drop: Drop, owed: list[Note], now: Instant, out: list[Effect]) -> bool:
    kept = state.ledger.lawful and drop.state != "superseded"
    notes = [note for note in _chosen(drop, owed) if not (kept and note.finding.terminal)]
    if not notes:
        # Law 6: a policy cannot lose a finished result; it waits for a better decision.
        _hold(state, Hold(f"a finished result is not dropped ({drop.reason})"), owed, now, out)
        return False
    out.append(Drop(tuple(note.finding.id for note in notes), drop.reason, drop.state))
    for note in notes:
        settle(state, note, drop.state, drop.reason, now)
    return True


def _splice(state: State, splice: Splice, owed: list[Note], now: Instant, out: list[Effect]) -> list[Offer]:
    notes: list[Note] = []
    for note in _chosen(splice, owed):
        if _told_whole(state, note):
            settle(state, note, "acknowledged", "the person has heard all of it in its parts", now)
        else:
            notes.append(note)
    if not notes:
        return []
    style: Style = "say" if state.voice_down and splice.style in ("weave", "interject") else splice.style
    ids = tuple(note.finding.id for note in notes)
    out.append(Splice(ids, splice.reason, style, splice.over_person, splice.brief, splice.quiet_ms))
    state.last_splice, state.held = now, ("", ())
    for note in notes:
        note.offers += 1
        note.offered_n, note.offered_at, note.style, note.topic = state.n, now, style, state.topic
        note.quiet_ms = splice.quiet_ms
        if note.continues or not note.said:
            note.said = _told(state, note)
            note.continues = bool(note.said)
    if style in ("card", "announce"):
        if style == "announce":
            _announce(state, notes, splice.reason, now)
        for note in notes:
            _show(state, note.finding, _unheard(note), splice.reason, out)
            settle(state, note, "acknowledged", splice.reason, now)
        return []
    for note in notes:
        state.ledger.settle(note, "offered", splice.reason)
    if style == "say":
        _read_out(state, notes, splice, out)
        return []
    return [
        Offer(note.finding, _task(state, note.finding), style, note.said, note.continues, splice.brief)
        for note in notes
    ]


def _show(state: State, finding: Finding, text: str, reason: str, out: list[Effect]) -> None:
    state.speech.seq += 1
    out.append(Emit(state.speech.seq, text, 0, (finding.id,), "card", True, reason))


def _unheard(note: Note) -> str:
    """The sentences of a finding that the person has not heard whole."""
    text = note.finding.text
    heard = note.said.rstrip() if note.continues else reached(text, note.said)
    end = max(heard.rfind(mark) for mark in ".!?") + 1
    return text[end:].lstrip() or text


def _announce(state: State, notes: list[Note], reason: str, now: Instant) -> None:
    """Say, as soon as it can be said, that there is something to see."""
    text = "There is an answer for you: I have put it on the screen."
    if len(notes) > 1:
        text = f"There are {len(notes)} answers for you: I have put them on the screen."
    state.speech.say(text, keep=True, reason=reason)
    state.note(Noticed(text=text), now)


def _read_out(state: State, notes: list[Note], splice: Splice, out: list[Effect]) -> None:
    """Queue findings as they are. Over the person in one piece; else a piece each, so that a cut hits no other."""
    if splice.over_person:
        ids = tuple(note.finding.id for note in notes)
        text = " ".join(verbatim(note) for note in notes)
        state.speech.say(text, about=ids, overlap=splice.reason, place="clause")
        return state.speech.seal()
    for note in notes:
        text = verbatim(note)
        if splice.brief and len(text) > _BRIEF:
            text = first_sentence(text, _BRIEF)
            # Nobody is there who could be asked for the rest.
            _show(state, note.finding, note.finding.text, splice.reason, out)
        state.speech.say(text, about=(note.finding.id,), quiet_ms=splice.quiet_ms)
        state.speech.seal()
    return None


def _told(state: State, note: Note) -> str:
    """What the person has heard, or is just hearing, of this finding as an earlier part of it."""
    job = state.ledger.jobs.get(note.finding.delegation)
    if job is None or note.finding.kind not in ("partial", "final"):
        return ""
    parts = [other.finding for other in state.ledger.of(job.id) if other.state == "speaking"]
    texts = [job.told, *(part.text for part in parts if part.kind == "partial")]
    return max((text for text in texts if goes_on(note.finding.text, text)), key=len, default="")


def _told_whole(state: State, note: Note) -> bool:
    """Whether the person has heard all of this finding in its earlier parts."""
    job = state.ledger.jobs.get(note.finding.delegation)
    if job is None or note.finding.kind not in ("partial", "final") or not job.told.strip():
        return False
    return note.finding.text.strip() == job.told.strip()


def _task(state: State, finding: Finding) -> str:
    job = state.ledger.jobs.get(finding.delegation)
    return job.task if job is not None else ""


def verbatim(note: Note | Offer) -> str:
    """A finding in its own words, from where the person has heard it."""
    text = note.finding.text
    if not note.said:
        return text
    if note.continues:
        return text[len(note.said.rstrip()) :].lstrip()  # it goes on with what was told as a part of it
    # Told again from the clause in which it was cut.
    return "As I was saying: " + text[len(reached(text, note.said)) :].lstrip()


def wait_for_quiet(state: State, now: Instant) -> None:
    """Wake up when the person has been quiet for as long as what was phrased ahead waits for."""
    if state.person.last_input is None or state.person.holding_since is not None:
        return
    for segment in state.speech.queue:
        due = after(state.person.last_input, segment.quiet_ms)
        if segment.quiet_ms and not segment.emitted and due > now and (state.wake is None or due < state.wake):
            state.wake = due


def hear_out(state: State, parts: list[Emit], now: Instant) -> None:
    """Book what went out at this micro-turn: who is being told, and what has been heard to the end."""
    wait_for_quiet(state, now)
    for part in parts:
        for finding in part.about:
            note = state.ledger.notes.get(finding)
            if note is not None and note.state == "offered":
                state.ledger.settle(note, "speaking")
    for segment in state.speech.collect():
        state.note(Spoke(text=segment.heard, about=segment.about), now)
        for finding in segment.about:
            _heard(state, finding, now)


def _heard(state: State, finding: str, now: Instant) -> None:
    note = state.ledger.notes.get(finding)
    if note is None or note.state != "speaking" or finding in state.speech.delivering():
        return
    if note.finding.kind == "question":
        state.expect(note.finding)
    settle(state, note, "heard", "", now)


def silence(state: State, reason: str, now: Instant, out: list[Effect]) -> None:
    """The person has begun: stop, flush, and put what was being told back among what is owed."""
    state.refused = (*state.refused, *being_told(state.speech, whole=False))
    if state.speech.speaking:
        cut = state.speech.cut()
        out.append(StopSpeaking(reason, cut.flushed))
        state.unheard = cut.flushed
        _book_cut(state, cut, reason, now)
    else:
        # Nothing of it was heard yet: answers wait for the gap, findings go back to be decided about again.
        for finding in state.speech.delivering():
            _owe_again(state, finding, "", reason, now)
            state.speech.withdraw(finding)
    for note in list(state.ledger.notes.values()):
        if note.state == "offered":
            # It is still being phrased, for a gap that is gone. Kept until the person has finished it would be told
            # before their answer, and before anybody knows whether they still want it.
            _owe_again(state, note.finding.id, "", reason, now)
    state.collect(out)


def _book_cut(state: State, cut: Cut, reason: str, now: Instant) -> None:
    if cut.heard or cut.flushed:
        state.note(Spoke(text=cut.heard, about=cut.about, cut=cut.flushed), now)
        state.note(Interrupted(by=reason), now)
    said: dict[str, str] = {}
    for finding, heard in cut.findings:
        said[finding] = said.get(finding, "") + heard
    for finding, heard in said.items():
        _owe_again(state, finding, heard, reason, now)


def _owe_again(state: State, finding: str, heard: str, reason: str, now: Instant) -> None:
    note = state.ledger.notes.get(finding)
    if note is None or note.state not in ("offered", "speaking"):
        return
    job, began = state.ledger.jobs.get(note.finding.delegation), note.state == "speaking"
    if began and _holds(heard, note.finding.text):
        return _heard(state, finding, now)
    if heard:
        # What was heard of it before counts too: a voice that looks for the place must not find it too early.
        note.said = f"{note.said} {heard}" if note.said else heard
        note.continues = False
        note.cuts += 1
    if job is not None and job.answered and not note.finding.terminal:
        settle(state, note, "superseded", "its task has answered meanwhile", now)
        return
    if began:
        note.since = now
    else:
        # It has waited all the time, and its patience does not begin anew.
        note.taken += 1
    why = "its delivery was cut" if began else "it was taken back before its first word"
    state.ledger.settle(note, "owed", f"{why}: {reason}")


def _holds(heard: str, text: str) -> bool:
    """Whether all of `text` is in what was heard: of several told in one utterance, this one came before the cut."""
    words, told = text.split(), heard.split()
    return bool(words) and any(told[at : at + len(words)] == words for at in range(len(told) - len(words) + 1))


def cut_speech(state: State, finding: str, reason: str, now: Instant, out: list[Effect]) -> None:
    """A finding is no longer wanted: take its words back, also in the middle."""
    segment: Segment | None = state.speech.withdraw(finding)
    if segment is None:
        return
    if segment.emitted:
        out.append(StopSpeaking(reason, segment.text[segment.confirmed :]))
        state.note(Spoke(text=segment.heard, about=segment.about, cut=segment.text[segment.confirmed :]), now)
    for other in segment.about:
        if other != finding:
            _owe_again(state, other, segment.heard, reason, now)


def phrased(state: State, event: ModelSpoke) -> bool:
    """The voice tells findings. Returns whether it may: what was taken back from it meanwhile is not said.

    Then the rest of that utterance is not said either, also when it is offered once more before the voice has come to
    its end: half of a result would be heard, and taken for all of it.
    """
    notes = [state.ledger.notes.get(finding) for finding in event.about]
    live = [note for note in notes if note is not None and note.state in ("offered", "speaking")]
    # One that the voice has come to the end of is told already: an older offer and a newer one have crossed.
    done = {*state.refused, *being_told(state.speech, whole=True)}
    if len(live) < len(event.about) or not done.isdisjoint(event.about):
        state.refused = (*state.refused, *event.about)
        if NOT_CURRENT not in state.notices:
            state.notices.append(NOT_CURRENT)
        return False
    interject = any(note.style == "interject" for note in live)
    quiet_ms = max(note.quiet_ms for note in live)
    state.speech.say(event.text, event.about, event.overlap, quiet_ms, "clause" if interject else "last")
    return True


def rested(state: State, event: ModelRested, now: Instant, out: list[Effect]) -> None:
    """The voice has no more to say: what it said is whole, and of what it was given nothing is left to it."""
    state.speech.seal()
    if event.takes_back:
        take_back_answers(state.speech)
    acknowledge(state, event.acknowledged, now, out)
    rest(state, event.n, now)


def rest(state: State, n: int, now: Instant) -> None:
    """The voice has dealt with micro-turn `n`: what it was given and left unsaid is owed again."""
    state.refused = ()
    delivering = state.speech.delivering()
    for note in list(state.ledger.notes.values()):
        if note.state == "offered" and note.offered_n <= n and note.finding.id not in delivering:
            note.unspoken += 1
            state.ledger.settle(note, "owed", "the voice was given it and said nothing")


def give_up_waiting(state: State, config: SessionConfig, now: Instant) -> None:
    """A voice that neither speaks nor rests does not keep a result for ever."""
    if state.reply_since is not None and to_ms(now) - to_ms(state.reply_since) >= config.reply_ms:
        state.reply_since = None
    emitted = state.speech.last_emit
    if state.speech.speaking and emitted is not None and to_ms(now) - to_ms(emitted) >= config.offer_ms:
        state.speech.seal()
    delivering = state.speech.delivering()
    for note in list(state.ledger.notes.values()):
        if note.state != "offered" or note.finding.id in delivering or note.offered_at is None:
            continue
        if to_ms(now) - to_ms(note.offered_at) >= config.offer_ms:
            note.unspoken += 1
            state.ledger.settle(note, "owed", "the voice took too long to phrase it")


def acknowledge(state: State, findings: tuple[str, ...], now: Instant, out: list[Effect]) -> None:
    """The voice holds that these need no words: they are shown as cards, and done with."""
    for finding in findings:
        note = state.ledger.notes.get(finding)
        if note is None or note.state == "speaking":
            continue
        if note.finding.urgency == CRITICAL:
            continue
        state.speech.withdraw(finding)
        state.speech.seq += 1
        reason = "the voice holds that it needs no words"
        out.append(Emit(state.speech.seq, note.finding.text, 0, (finding,), "card", True, reason))
        settle(state, note, "acknowledged", reason, now)
