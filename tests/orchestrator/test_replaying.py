"""Replay and what-if: the same inputs give the same effects; another policy moves the words that tell a finding."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orchestrator.clock import START, from_ms, to_ms
from orchestrator.config import SessionConfig
from orchestrator.decisions import Decision, Splice
from orchestrator.effects import Emit, MicroTurn
from orchestrator.errors import ConfigError, ScenarioError
from orchestrator.events import (
    Event,
    ModelDelegated,
    ModelEvent,
    ModelRested,
    ModelSpoke,
    TickDue,
    UserActivity,
    UserFrame,
    UserHeard,
    UserLeft,
    UserText,
)
from orchestrator.finding import Finding
from orchestrator.journal import Opened, Record, encode_opened, encode_record
from orchestrator.recording import Recording, described, read_recording, rebuilt
from orchestrator.replaying import replay, what_if
from orchestrator.session import Session
from orchestrator.testing.playing import plain_voice, play
from orchestrator.timing import (
    Expire,
    FirstOf,
    Moment,
    Pending,
    SilentProgress,
    Speak,
    Supersede,
    TimingPolicy,
    WaitForGap,
    default_policy,
)

GOLDEN = sorted((Path(__file__).parent.parent / "golden").glob("*/journal.ndjson"))
EAGER = FirstOf((Expire(), Supersede(), SilentProgress(), Speak()))
PATIENT = FirstOf((SilentProgress(), WaitForGap(quiet_ms=2_000, longest_ms=2_000), Speak()))


def golden(name: str) -> Recording:
    (path,) = [path for path in GOLDEN if path.parent.name == name]
    return read(path.read_bytes().split(b"\n"))


def read(lines: Sequence[bytes]) -> Recording:
    return read_recording(lines, "talk.ndjson")


def lines_of(records: Sequence[Record]) -> list[bytes]:
    return [encode_record(record.at, record.n, record.item) for record in records]


def emits(records: Sequence[Record]) -> list[tuple[int, str]]:
    return [(to_ms(record.at), record.item.text) for record in records if isinstance(record.item, Emit)]


def told(records: Sequence[Record], finding: str) -> tuple[int, str]:
    """When the first word of a finding was said, and all the words that told it."""
    parts = [record for record in records if isinstance(record.item, Emit) and finding in record.item.about]
    return to_ms(parts[0].at), "".join(part.item.text for part in parts if isinstance(part.item, Emit))


def found(text: str, seq: int, **more: Any) -> Finding:
    return Finding(text, delegation="s-1", seq=seq, context_revision=999, **more)


def held(
    *events: tuple[int, Event],
    config: SessionConfig | None = None,
    latency_ms: int = 0,
    policy: TimingPolicy | None = None,
) -> list[Record]:
    """What a session makes of these events, with a voice that hands over finished lines and tells findings."""

    def voice(turn: MicroTurn) -> Sequence[ModelEvent]:
        asked = [ModelDelegated("look") for piece in turn.heard if piece.final and turn.n < 10]
        words = " and ".join(f"{offer.finding.text[:-1]} indeed" for offer in turn.offers)
        if turn.offers:
            return ModelSpoke(words, tuple(offer.finding.id for offer in turn.offers)), ModelRested(turn.n)
        return [*asked, *plain_voice(turn)]

    session = Session(config or SessionConfig(), timing=policy or default_policy(), started_at=START)
    return play(session, events, until_ms=60_000, voice=voice, latency_ms=latency_ms)


TALK: tuple[tuple[int, Event], ...] = (
    (400, UserText("find it", final=True)),
    (2_000, UserText("and ")),
    (2_400, UserText("then")),
    (2_500, found("It is 42.", 1)),
    (2_900, UserText(" some", final=True)),
    (9_000, UserLeft()),
)


# --- the same again --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.parent.name)
def test_a_golden_journal_replays_to_the_same_bytes(path: Path) -> None:
    recording = read(path.read_bytes().split(b"\n"))
    again = replay(recording, policy=default_policy(), config=recording.config())
    assert again.difference is None
    assert b"\n".join(lines_of(again.records)) + b"\n" == path.read_bytes()


@pytest.mark.parametrize("latency_ms", [0, 7, 310])
def test_an_event_in_the_instant_of_a_tick_may_have_come_first(latency_ms: int) -> None:
    """The shell takes the tick first, `play` the event: a journal does not say which, but its effects do."""
    records = held(*TALK, latency_ms=latency_ms)
    recording = read(lines_of(records))
    again = replay(recording, policy=default_policy(), config=SessionConfig())
    assert again.difference is None
    assert list(again.records) == records


def test_another_timing_shows_the_first_effect_that_is_not_the_same() -> None:
    recording = golden("held_while_typing")
    again = replay(recording, policy=EAGER, config=recording.config())
    assert again.difference is not None
    assert (to_ms(again.difference.at), again.difference.n) == (2_500, 17)
    assert isinstance(again.difference.replayed, Splice)
    assert again.effects > 10


def test_an_effect_too_few_is_a_difference() -> None:
    path = next(path for path in GOLDEN if path.parent.name == "short")
    lines = [line for line in path.read_bytes().split(b"\n") if b'"state":"heard"' not in line]
    recording = read(lines)
    difference = replay(recording, policy=default_policy(), config=recording.config()).difference
    assert difference is not None
    assert "heard" in str((difference.recorded, difference.replayed))


def test_late_ticks_are_written_and_replayed() -> None:
    """What a busy machine does: a tick without effect comes late, has a line, and the next early one counts from it."""
    session = Session(SessionConfig(), timing=default_policy(), started_at=START)
    lines: list[bytes] = []
    for at, event in ((204, TickDue()), (210, UserText("x", final=True)), (224, TickDue()), (400, UserLeft())):
        effects = session.receive(event, now=from_ms(at))
        lines.extend(encode_record(from_ms(at), session.n, item) for item in (event, *effects))
    again = replay(read(lines), policy=default_policy(), config=SessionConfig())
    assert again.difference is None
    assert lines_of(again.records) == lines


def test_an_event_that_came_before_an_overdue_tick_did_its_work() -> None:
    """On a machine that stood still for 170 ms. Only the next early micro-turn tells of it: 20 ms after that work."""
    session = Session(SessionConfig(), timing=default_policy(), started_at=START)
    progress = found("asking", 1, kind="progress")
    stream: list[tuple[int, Event]] = [
        (0, ModelDelegated("look")),
        (10, ModelSpoke("On it.")),
        (12, ModelRested(1)),
        (370, UserFrame("camera")),
        (378, progress),
        (390, TickDue()),
        (1_000, UserLeft()),
    ]
    lines: list[bytes] = []
    for at, event in stream:
        effects = session.receive(event, now=from_ms(at))
        lines.extend(encode_record(from_ms(at), session.n, item) for item in (event, *effects))
    assert any(b'"at_ms":390' in line and b"progress is shown" in line for line in lines)
    again = replay(read(lines), policy=default_policy(), config=SessionConfig())
    assert again.difference is None
    assert lines_of(again.records) == lines


def test_a_recording_says_its_settings_and_its_policy() -> None:
    config = SessionConfig(id="me", pace=20, draft_hold_ms=400)
    records = held(*((at, with_id(event)) for at, event in TALK), config=config, policy=PATIENT)
    opened = Opened(msgspec.structs.asdict(config), "9.9", described(PATIENT))
    recording = read([encode_opened(START, 0, opened), *lines_of(records)])
    assert recording.config() == config
    policy = rebuilt(opened.policy)
    assert policy == PATIENT
    assert replay(recording, policy=PATIENT, config=recording.config()).difference is None
    # Without that line only the id can be known, and the pace is seen to be another.
    old = read(lines_of(records))
    assert old.config() == SessionConfig(id="me")
    assert replay(old, policy=default_policy(), config=old.config()).difference is not None


def with_id(event: Event) -> Event:
    return msgspec.structs.replace(event, delegation="me-1", id="") if isinstance(event, Finding) else event


def test_a_session_that_was_taken_up_again_replays() -> None:
    first = Session(SessionConfig(), timing=default_policy(), started_at=START)
    play(first, TALK[:4], until_ms=2_600, voice=lambda turn: [ModelDelegated("look")] if turn.n < 5 else [])
    kept = first.snapshot(now=from_ms(2_600))
    now = from_ms(9_000)
    second = Session.restore(kept, timing=default_policy(), now=now)
    taken_up = [Record(now, second.n, task) for task in second.open_delegations()]
    events: list[tuple[int, Event]] = [(9_500, UserText("hello", final=True)), (13_000, UserLeft())]
    records = play(second, events, until_ms=20_000)
    opened = Opened(msgspec.structs.asdict(second.config), "9.9", described(default_policy()), kept)
    lines = [encode_opened(now, kept_n(records), opened), *lines_of([*taken_up, *records])]
    recording = read(lines)
    again = replay(recording, policy=default_policy(), config=recording.config())
    assert again.difference is None
    assert emits(again.records) == emits(records) != []
    assert emits(what_if(recording, policy=default_policy(), config=recording.config()).records) == emits(records)
    if taken_up:
        with pytest.raises(ScenarioError, match="earlier session"):
            replay(read(lines[1:]), policy=default_policy(), config=SessionConfig())


def kept_n(records: Sequence[Record]) -> int:
    return records[0].n


class Own(msgspec.Struct, frozen=True, tag=True):
    """A policy that is not one of Duologue's."""

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        return None


def test_a_policy_of_others_is_named_and_not_guessed() -> None:
    assert described(FirstOf((Own(), Speak()))) == f"{FirstOf.__module__}:FirstOf"
    assert str(described(Own())).endswith(":Own")
    for odd in ("somebody:Else", None, 3, {"type": "Nobody"}, {"type": "Speak", "of": 1}, {"type": "Moment"}, {}):
        assert rebuilt(odd) is None
    assert rebuilt(json.loads(msgspec.json.encode(described(default_policy())))) == default_policy()


# --- what-if ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.parent.name)
def test_the_same_policy_says_the_same_at_the_same_time(path: Path) -> None:
    recording = read(path.read_bytes().split(b"\n"))
    other = what_if(recording, policy=default_policy(), config=recording.config())
    assert emits(other.records) == emits(recording.records)
    assert other.closed
    assert other.own_words == ()


def test_an_eager_policy_tells_it_as_soon_as_the_person_lets_it() -> None:
    recording = golden("held_while_typing")
    at, words = told(recording.records, "s-1.3")
    assert (at > 4_100, words) == (True, "The next train leaves at 9:12.")
    other = what_if(recording, policy=EAGER, config=recording.config())
    assert told(other.records, "s-1.3") == (3_900, "The next train leaves at 9:12.")
    splices = [to_ms(record.at) for record in other.records if isinstance(record.item, Splice)]
    assert splices == [2_500]


def test_a_patient_policy_tells_it_later() -> None:
    recording = golden("held_while_typing")
    other = what_if(recording, policy=PATIENT, config=recording.config())
    assert told(other.records, "s-1.3")[0] == 5_920
    assert other.closed


def test_two_results_that_are_not_held_together_are_told_in_their_own_words() -> None:
    recording = golden("two_results")
    other = what_if(recording, policy=EAGER, config=recording.config())
    assert told(other.records, "s-1.2") == (2_040, "The next train leaves at 9:12.")
    assert told(other.records, "s-2.2")[1] == "It will rain."
    assert other.own_words == ("s-1.2", "s-2.2")


def test_a_delivery_that_is_not_cut_any_more_is_told_once() -> None:
    recording = golden("interrupted_delivery")
    other = what_if(recording, policy=PATIENT, config=recording.config())
    text = "The next train leaves at 9:12, it is direct, and it arrives at noon."
    assert told(other.records, "s-1.2")[1].count("As I was saying") == 0
    assert told(other.records, "s-1.2")[1] == text


@pytest.mark.parametrize("latency_ms", [0, 310])
def test_the_recorded_words_come_as_late_as_the_voice_was(latency_ms: int) -> None:
    recording = read(lines_of(held(*TALK, latency_ms=latency_ms)))
    other = what_if(recording, policy=EAGER, config=SessionConfig())
    splice = next(to_ms(record.at) for record in other.records if isinstance(record.item, Splice))
    spoke = next(
        record for record in other.records if isinstance(record.item, ModelSpoke) and record.item.about == ("s-1.1",)
    )
    assert to_ms(spoke.at) == splice + latency_ms
    assert told(other.records, "s-1.1")[1] == "It is 42 indeed"
    assert other.own_words == ()


def test_words_that_the_voice_had_not_finished_are_not_used() -> None:
    """A voice that still wrote when the person cut in: nobody knows how it would have gone on."""
    session = Session(SessionConfig(), timing=default_policy(), started_at=START)
    session.receive(ModelDelegated("look"), now=START)
    events: list[tuple[int, Event]] = [
        (1_000, found("It is forty-two, all in all.", 1)),
        (1_100, ModelSpoke("It is forty", ("s-1.1",))),
        (1_400, UserActivity("speaking")),
        (2_400, UserActivity("silent")),
        (9_000, UserLeft()),
    ]
    records = play(session, events, until_ms=9_000, voice=lambda turn: ())
    opening = [Record(START, 0, ModelDelegated("look"))]
    recording = read(lines_of([*opening, *records]))
    other = what_if(recording, policy=PATIENT, config=SessionConfig())
    assert "s-1.1" in other.own_words
    assert told(other.records, "s-1.1")[1] == "It is forty-two, all in all."


def test_what_was_reported_as_heard_is_reported_as_long_after_its_piece() -> None:
    config = SessionConfig(hearing="reported", pace=None)
    heard: list[tuple[int, Event]] = [(at + 250, UserHeard(emit)) for emit, at in enumerate((3_400, 3_400), 1)]
    records = held(*TALK[:-1], *heard, (9_000, UserLeft()), config=config)
    recording = read(lines_of(records))
    other = what_if(recording, policy=EAGER, config=config)
    parts = {record.item.seq: to_ms(record.at) for record in other.records if isinstance(record.item, Emit)}
    reports = {record.item.emit: to_ms(record.at) for record in other.records if isinstance(record.item, UserHeard)}
    waits = {reports[seq] - parts[seq] for seq in parts}
    assert len(waits) == 1


# --- reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "holds no event"),
        ([b'{"at_ms":0,"n":0,"type":"user.left"}'], "is no recording"),
        ([b'{"at_ms":0,"n":0,"type":"user.left"}', b"nonsense", b'{"at_ms":0,"n":0,"type":"close"}'], "line 2 cannot"),
        ([b'{"n":0,"type":"user.left"}'], "line 1 has no time"),
        ([b'{"at_ms":5,"n":0,"type":"user.left"}', b'{"at_ms":4,"n":0,"type":"close"}'], "line 2 goes back in time"),
        ([b'{"at_ms":5,"n":0,"type":"user.text","text":7}'], "line 1 is not a good user.text"),
        ([b"\xff\xfe"], "line 1 cannot be read"),
        ([b'{"at_ms":"5","type":"tick"}'], "line 1 cannot be read"),
    ],
)
def test_a_line_that_cannot_be_understood_is_named(lines: list[bytes], words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        read(lines)


def test_a_torn_end_and_unknown_lines_are_told_of() -> None:
    path = next(path for path in GOLDEN if path.parent.name == "short")
    lines = path.read_bytes().split(b"\n")
    recording = read([lines[0], b'{"at_ms":500,"n":3,"type":"dance.begun","step":1}', *lines[1:-2], lines[-2][:20]])
    assert recording.torn
    assert recording.unknown == ("dance.begun",)
    assert replay(recording, policy=default_policy(), config=recording.config()).effects > 3


@pytest.mark.parametrize(("changed", "words"), [({"colour": 1}, "no setting 'colour'"), ({"pace": "x"}, "set so")])
def test_a_setting_that_cannot_be_is_refused(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        golden("short").config(changed)
