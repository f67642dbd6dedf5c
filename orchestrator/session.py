"""A session: events and instants in, effects out. No clock, no await, no randomness.

The shell calls `receive` for everything that happens, in one order, and again with `TickDue` when `deadline` has come.
The grid is `started_at + k * tick_ms`, absolute. It is the latest moment, not the only one: an edge (a finding arrives,
the person begins or ends, the voice's first words) starts its micro-turn at once, at least `early_ms` after the last
one.
"""

from __future__ import annotations

from typing import assert_never

from orchestrator import delivery, resuming, work
from orchestrator.bundle import Amendment, Bundle
from orchestrator.clock import MS, Instant, after, to_ms
from orchestrator.config import SessionConfig
from orchestrator.context import Deleted, Entry, Noticed, Said, Saw, Scheduled, Unscheduled
from orchestrator.effects import Amend, Cancel, Close, Delegate, Effect, Heard, MicroTurn, Offer, StepModel
from orchestrator.events import (
    BusDown,
    BusUp,
    DelegationUpdate,
    Event,
    ModelAmended,
    ModelCancelled,
    ModelDelegated,
    ModelFailed,
    ModelRested,
    ModelScheduled,
    ModelSpoke,
    ModelUnscheduled,
    SinkStalled,
    TickDue,
    ToolsChanged,
    UserActivity,
    UserAudio,
    UserFinished,
    UserFrame,
    UserHeard,
    UserLeft,
    UserText,
)
from orchestrator.finding import Finding
from orchestrator.floor import could_be_backchannel, is_backchannel
from orchestrator.state import Snapshot, State
from orchestrator.timing.moment import TimingPolicy

__all__ = ["Session"]

_ASKED = 20
"""Lines without an answer that are remembered beside the last one."""
_TOO_SOON_MS = 1_500
"""Who has not ended their line, and takes the floor back within this, had only paused."""


class Session:
    """One conversation. Owned by one writer: the loop that calls `receive`."""

    def __init__(self, config: SessionConfig, *, timing: TimingPolicy, started_at: Instant = Instant(0)) -> None:
        self.config: SessionConfig = config
        self._timing = timing
        self._state = State(started_at=started_at, next_grid=after(started_at, config.tick_ms))
        self._state.ledger.lawful = config.lawful

    # --- what the shell needs ----------------------------------------------------------------------------------------

    @property
    def n(self) -> int:
        """The number of the present micro-turn."""
        return self._state.n

    @property
    def deadline(self) -> Instant | None:
        """When `TickDue` is due at the latest: the shell's only timer. `None` once the session is closed."""
        state = self._state
        if state.closed:
            return None
        return min(at for at in (state.next_grid, state.early, state.wake) if at is not None)

    @property
    def missed(self) -> int:
        """Grid points that came too late and were skipped (never made up by a burst)."""
        return self._state.missed

    def entries(self, since: int = 0, until: int | None = None) -> tuple[Entry, ...]:
        """The conversation after revision `since`, up to and with `until` (default: all of it), as a frozen view."""
        return self._state.context.view(since, until)

    @property
    def busy(self) -> bool:
        """Whether anything is still worked on, owed, promised for a time, or being said (by either side)."""
        return self._state.busy

    def bundle(self, effect: Delegate) -> Bundle:
        """The bundle of a hand-off: the task with the conversation up to `effect.revision`."""
        return work.build(self._state, self.config, effect)

    def amendment(self, effect: Amend) -> Amendment:
        """What a running task is told: the conversation since it was last told, and the correction if there is one."""
        entries = self._state.context.view(effect.since, effect.revision)
        return Amendment(effect.delegation, entries, effect.revision, effect.text, effect.answers, effect.question)

    def open_delegations(self) -> tuple[Delegate, ...]:
        """The hand-offs without an answer: a shell that takes a restored session up submits them again (idempotent)."""
        return work.still_open(self._state)

    def snapshot(
        self, *, now: Instant, since: int = 0, errands: tuple[Delegate | Amend | Cancel, ...] = ()
    ) -> Snapshot:
        """Everything the session knows, to be taken up again by `restore`; of the conversation what came after
        `since`. `errands` are those of its effects that have not been carried out."""
        return resuming.take(self._state, self.config, now=now, since=since, errands=errands)

    @classmethod
    def restore(
        cls, snapshot: Snapshot, *, timing: TimingPolicy, now: Instant, config: SessionConfig | None = None
    ) -> Session:
        """Go on where `snapshot` was taken; `now` is not before it, and the time between them has passed.

        What was being said then is owed again. `config` takes the place of the old one, but for `id` and `run`. Raises
        `ConfigError` for a snapshot of another version.
        """
        kept, state = resuming.revive(snapshot, now=now, config=config)
        session = cls(kept, timing=timing)
        session._state = state
        return session

    def __copy__(self) -> Session:
        """A session that stands where this one stands, and goes its own way from here."""
        session = Session(self.config, timing=self._timing)
        session._state = resuming.twin(self._state)
        return session

    # --- the one inbox -----------------------------------------------------------------------------------------------

    def receive(self, event: Event, *, now: Instant) -> tuple[Effect, ...]:
        """Take in one event that happened at `now` (never before the last one). Returns what to do, in order."""
        state, out = self._state, list[Effect]()
        if state.closed:
            return ()
        match event:
            case TickDue():
                pass
            case ToolsChanged():
                self.config = work.equip(state, self.config, event)
            case UserText():
                self._text(event.text, event.op == "delete", event.final, "", now, out)
            case UserAudio():
                self._text(event.transcript, False, event.final, event.ref, now, out)
            case UserActivity():
                self._activity(event, now, out)
            case UserFrame():
                state.note(Saw(ref=event.ref, caption=event.caption), now)
                state.heard.append(Heard(event.caption, frame=event.ref))
            case UserHeard():
                resuming.heard_before(state, event.emit, now)
                state.speech.confirm(event.emit)
                delivery.hear_out(state, [], now)
            case UserFinished():
                state.finished = True
            case UserLeft():
                return self._close(event.reason or "the person left", now)
            case ModelSpoke():
                self._spoke(event, now)
            case ModelDelegated():
                self._acts(now, out)
                state.topic += 1
                work.delegate(state, self.config, event, now, out)
            case ModelAmended():
                self._acts(now, out)
                state.topic += 0 if event.answers else 1
                work.amend(state, self.config, event, now, out)
            case ModelCancelled():
                self._acts(now, out)
                state.topic += 1
                work.cancel(state, event, now, out)
            case ModelScheduled():
                state.dealt_with(now)
                refused = state.agenda.add(event.item, now=now)
                if refused:
                    work.announce(state, f"I can't put that on the agenda: {refused}.", "the agenda refused it", now)
                else:
                    state.note(Scheduled(item=event.item), now)
            case ModelUnscheduled():
                state.dealt_with(now)
                state.agenda.remove(event.item)
                state.note(Unscheduled(item=event.item), now)
            case ModelRested():
                self._rested(event, now, out)
            case ModelFailed():
                self._voice_failed(event, now)
            case Finding():
                work.arrive(state, self.config, event, now, out)
                if state.ledger.owed():
                    self._edge(now)
            case DelegationUpdate():
                work.update(state, event, now, out)
            case BusDown():
                work.bus_down(state, event, now)
                self._edge(now)
            case BusUp():
                work.bus_up(state, event, now)
                self._edge(now)
            case SinkStalled():
                if event.sink == "link":
                    state.stalled = not event.over
            case _:
                assert_never(event)
        state.collect(out)
        self._settle_floor(now)
        due = self.deadline
        if due is not None and now >= due:
            self._micro_turn(now, out)
        if state.finished and not self.busy:
            out.extend(self._close("the person had no more to say", now))
        return tuple(out)

    # --- the person --------------------------------------------------------------------------------------------------

    def _text(self, text: str, delete: bool, final: bool, ref: str, now: Instant, out: list[Effect]) -> None:
        state, person = self._state, self._state.person
        if not text and not final:
            return
        text = self._within_limit(text, delete, now)
        taken = person.typed(text, delete=delete, now=now, answered=self._answered(now))
        if taken:
            state.note(Deleted(text=taken), now)
        piece = Heard(text, "delete" if delete else "insert", final)
        # While a question of the background is put, "yes" is an answer.
        asked = state.expecting or any(note.finding.kind == "question" for note in state.ledger.notes.values())
        if state.speech.speaking and person.holding_since is None and not (taken or asked):
            draft = person.draft
            if final and is_backchannel(draft):
                self._backchannel(now)
                return
            if not final and could_be_backchannel(draft):
                person.unsure.append(piece)
                state.speech.paused = True
                return
        # A bare Enter after a pause only says that the line before was all; it interrupts nobody.
        if text or person.draft:
            self._takes_floor("the person began to type" if not ref else "the person began to speak", now, out)
        state.heard.append(piece)
        if state.agenda.hear(text, delete=delete, final=final):
            self._edge(now)
        if final:
            self._reply_due(now)
            self._commit(now, out, ref=ref, ended=True)
            person.release(ended=True)
            self._edge(now)

    def _answered(self, now: Instant) -> bool:
        """Whether the person has been told something since they last did anything. In an unfinished line, what they
        break into at once does not count: that was said into a pause of theirs."""
        person, spoken, floor = self._state.person, self._state.speech.last_emit, self._state.floor
        if spoken is None or person.last_input is None or spoken < person.last_input:
            return False
        broke_in = floor.floor == "assistant" and to_ms(now) - to_ms(floor.since) <= _TOO_SOON_MS
        return person.ended or not broke_in

    def _within_limit(self, text: str, delete: bool, now: Instant) -> str:
        person, longest = self._state.person, self.config.longest_draft
        room = longest - len(person.committed) - len(person.draft)
        if delete or len(text) <= room:
            return text
        if room > 0:
            words = f"That line is longer than I can take in. I go on with its first {longest} characters."
            work.announce(self._state, words, "the line is too long", now)
        return text[: max(room, 0)]

    def _reply_due(self, now: Instant) -> None:
        state, line = self._state, self._state.person.committed + self._state.person.draft
        if line.strip():
            state.reply_n = state.n + 1
            # A line that went on after a pause is one line.
            before = state.asked[:-1] if state.asked and line.startswith(state.asked[-1]) else state.asked
            state.asked = [*before[-_ASKED:], line]
            state.reply_since = state.reply_since if state.voice_down else now

    def _activity(self, event: UserActivity, now: Instant, out: list[Effect]) -> None:
        state = self._state
        state.person.did(event.kind, now=now, answered=self._answered(now))
        state.heard.append(Heard(activity=event.kind))
        if event.kind in ("typing", "speaking"):
            self._takes_floor(f"the person began {event.kind}", now, out)
        elif event.kind == "silent":
            self._end_of_turn(now, out, ended=True)

    def _takes_floor(self, reason: str, now: Instant, out: list[Effect]) -> None:
        state = self._state
        for piece in state.person.unsure:
            state.heard.append(piece)
            state.agenda.hear(piece.text, delete=piece.op == "delete")
        state.person.unsure.clear()
        began = state.person.take_floor(now)
        if began:
            self._edge(now)
        if began or state.speech.paused:
            state.floor.settle(person=True, assistant=state.speech.speaking, now=now)
            delivery.silence(state, reason, now, out)
            state.speech.paused = False

    def _backchannel(self, now: Instant) -> None:
        state = self._state
        text = state.person.draft.strip()
        if text:
            state.note(Said(text=text, backchannel=True), now)
        state.person.draft, state.person.committed, state.person.continues = "", "", False
        state.person.unsure.clear()
        state.speech.paused = False

    def _commit(self, now: Instant, out: list[Effect], *, ref: str = "", ended: bool = False) -> None:
        """Put the unfinished line into the conversation, so that whoever works knows of it."""
        state, person = self._state, self._state.person
        if person.draft.strip():
            state.note(Said(text=person.draft, continues=person.continues, ref=ref), now)
            person.committed += person.draft
            person.continues, person.draft = True, ""
            work.tell(state, out)
        if ended:
            person.draft, person.committed, person.continues = "", "", False

    def _end_of_turn(self, now: Instant, out: list[Effect], *, ended: bool = False) -> None:
        state = self._state
        if state.person.unsure:
            if is_backchannel(state.person.draft):
                self._backchannel(now)
            else:
                # The beginning of something else after all: the person goes on in a moment.
                self._takes_floor("the person began to type", now, out)
        if state.person.holding_since is not None:
            self._reply_due(now)
            self._edge(now)
        state.person.release(ended=ended)
        self._commit(now, out, ended=ended)

    def _acts(self, now: Instant, out: list[Effect]) -> None:
        """The voice does something about what was said."""
        self._commit(now, out)
        self._state.dealt_with(now)

    # --- the voice ---------------------------------------------------------------------------------------------------

    def _spoke(self, event: ModelSpoke, now: Instant) -> None:
        state = self._state
        state.voice_down = False
        if event.about:
            if not delivery.phrased(state, event):
                return
        else:
            state.reply_since = None
            state.refused = ()
            state.asked.clear()
            state.speech.say(event.text, overlap=event.overlap)
        self._edge(now)

    def _rested(self, event: ModelRested, now: Instant, out: list[Effect]) -> None:
        state = self._state
        state.voice_down = False
        delivery.rested(state, event, now, out)
        if event.n >= state.reply_n:
            state.asked.clear()
        if state.reply_since is not None and event.n >= state.reply_n:
            state.reply_since = None
            if state.ledger.owed():
                self._edge(now)

    def _voice_failed(self, event: ModelFailed, now: Instant) -> None:
        state = self._state
        state.speech.seal()
        state.reply_since = None
        delivery.rest(state, state.n, now)
        if not state.voice_down:
            state.voice_down = True
            state.note(Noticed(text=f"the voice failed: {event.reason}"), now)
            ending = "for good" if event.final else "for a moment"
            text = event.say or f"My voice model has failed {ending}. Results will be read out as they are."
            work.announce(state, text, f"the voice failed: {event.reason}", now)
        self._edge(now)

    # --- the micro-turn ----------------------------------------------------------------------------------------------

    def _edge(self, now: Instant) -> None:
        state = self._state
        at = now if state.last_turn is None else max(now, after(state.last_turn, self.config.early_ms))
        if state.early is None or at < state.early:
            state.early = at

    def _micro_turn(self, now: Instant, out: list[Effect]) -> None:
        state, config = self._state, self.config
        state.n += 1
        grid = now >= state.next_grid
        if grid:
            points = (now - state.next_grid) // (config.tick_ms * MS)
            state.missed += points
            state.next_grid = after(state.next_grid, (points + 1) * config.tick_ms)
        state.early, state.wake, state.last_turn = None, None, now
        let_go = self._lapse(now, out)
        if grid:
            work.look_after(state, config, now, out)
            delivery.give_up_waiting(state, config, now)
        offers = delivery.decide(state, self._timing, now, out)
        self._fire(now)
        self._step(offers, let_go, now, out)
        self._emit(now, out)
        state.collect(out)
        self._settle_floor(now)
        # The person's end by a pause is an edge too, and does not wait for the grid.
        lapses = state.person.lapses_at(config)
        if lapses is not None and lapses < state.next_grid and (state.wake is None or lapses < state.wake):
            state.wake = max(lapses, after(now, config.early_ms))

    def _lapse(self, now: Instant, out: list[Effect]) -> bool:
        """See to what passes with time. Returns whether the floor falls back to nobody with it."""
        state = self._state
        held = state.person.holding_since is not None
        lapses = state.person.lapses_at(self.config)
        if lapses is not None and now >= lapses:
            self._end_of_turn(now, out)
        if state.person.breathes(now):
            state.agenda.breathe()
        self._settle_floor(now)
        return held and state.person.holding_since is None

    def _fire(self, now: Instant) -> None:
        state = self._state
        if not state.agenda.planned:
            return
        begun = state.resumed_at or state.started_at
        silent_since = max(begun, state.person.last_input or begun, state.speech.last_emit or begun)
        if state.speech.active:
            silent_since = now
        holds = state.floor.floor in ("person", "both")
        for due in state.agenda.fire(
            now=now, silent_since=silent_since, last_input=state.person.last_input, person_holds=holds
        ):
            reason = f"agenda: {due.item.id}"
            overlap = f"{reason}, asked for also while the person speaks" if due.item.over_speech else ""
            state.speech.say(due.say, keep=True, overlap=overlap, reason=reason, place="clause")
            state.note(Noticed(text=f"{due.item.id}: {due.say}"), now)

    def _step(self, offers: tuple[Offer, ...], let_go: bool, now: Instant, out: list[Effect]) -> None:
        state = self._state
        # Who begins and takes it all back waits for the answer to what they said before.
        waiting = state.person.listened_to(now) or let_go or state.person.holding_since is not None
        if not (offers or state.heard or state.notices or waiting or self.config.wants_silence):
            return
        turn = MicroTurn(
            n=state.n,
            at_ms=to_ms(now),
            revision=state.context.revision,
            floor=state.floor.floor,
            heard=tuple(state.heard),
            quiet_ms=state.person.quiet_ms(now),
            offers=offers,
            notices=tuple(state.notices),
            work=state.ledger.work(),
            counts=state.agenda.counts(),
            agenda=tuple(state.agenda.planned),
            expecting=state.expecting,
            unheard=state.unheard,
        )
        state.heard.clear()
        state.notices.clear()
        state.unheard = ""
        out.append(StepModel(turn))

    def _emit(self, now: Instant, out: list[Effect]) -> None:
        state, config = self._state, self.config
        if not state.speech.queue or state.stalled:
            return
        parts = state.speech.emit(
            now,
            pace=config.pace,
            tick_ms=config.tick_ms,
            quiet_ms=-1 if state.person.holding_since is not None else state.person.quiet_ms(now),
            reported=config.hearing == "reported",
        )
        out.extend(parts)
        delivery.hear_out(state, parts, now)

    def _settle_floor(self, now: Instant) -> None:
        state = self._state
        state.floor.settle(
            person=state.person.holding_since is not None,
            assistant=state.speech.speaking,
            now=now,
        )

    def _close(self, reason: str, now: Instant) -> tuple[Effect, ...]:
        out = list[Effect]()
        delivery.silence(self._state, reason, now, out)
        self._state.closed = True
        return (*out, Close(reason))
