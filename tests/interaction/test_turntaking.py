"""Whose turn it is: as tables of micro-turns, and through the real session with its own rules for the floor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interaction.turntaking import Backchannel, Prepare, Respond, Turn, TurnSettings, Turntaking, Wait, Yield
from interaction.turntaking_line import Line
from interaction.turntaking_tempo import Tempo
from interaction.turntaking_words import look
from orchestrator.config import SessionConfig
from orchestrator.context import Said
from orchestrator.effects import Floor, Heard, MicroTurn
from orchestrator.events import Event, ModelEvent, ModelRested, ModelSpoke, UserActivity, UserAudio, UserText
from orchestrator.session import Session
from orchestrator.testing import play
from orchestrator.timing.policies import WaitForGap

ENTER: Final = Heard(final=True)
SPEAKING: Final = Heard(activity="speaking")
SILENT: Final = Heard(activity="silent")
BREATH: Final = Heard(activity="pause")


def back(text: str) -> Heard:
    return Heard(text, op="delete")


def said(decision: Turn) -> str:
    """A decision as one line of a table."""
    match decision:
        case Wait(keep=keep):
            return "keep" if keep else "wait"
        case Prepare(line=line):
            return f"prepare {line}"
        case Respond(line=line, prepared=prepared, continues=continues, corrects=corrects):
            more = f"{'+' if continues else ''}{'!' if prepared else ''}{f'[{corrects}]' if corrects else ''}"
            return f"respond{more} {line}"
        case Yield():
            return "yield"
        case Backchannel(text=text):
            return f"nod {text}"


# --- micro-turns made by hand ----------------------------------------------------------------------------------------

Row = tuple[int, str | Heard | tuple[Heard, ...], int, Floor, str]
"""Milliseconds, pieces, quiet, floor, decision."""


def heard(pieces: str | Heard | tuple[Heard, ...]) -> tuple[Heard, ...]:
    if isinstance(pieces, str):
        return (Heard(pieces),) if pieces else ()
    return pieces if isinstance(pieces, tuple) else (pieces,)


def rows(
    table: Iterable[Row],
    taking: Turntaking | None = None,
    *,
    answers: bool = True,
    busy: bool = False,
    expecting: str = "",
) -> None:
    taking = taking or Turntaking()
    for n, (at_ms, pieces, quiet_ms, floor, expected) in enumerate(table):
        micro_turn = MicroTurn(n=n, at_ms=at_ms, heard=heard(pieces), quiet_ms=quiet_ms, floor=floor)
        if expecting:
            micro_turn = MicroTurn(
                n=n, at_ms=at_ms, heard=heard(pieces), quiet_ms=quiet_ms, floor=floor, expecting=expecting
            )
        decision = taking.hear(micro_turn, busy=busy)
        assert said(decision) == expected, f"at {at_ms} ms: {decision}"
        assert getattr(decision, "reason", "-")
        if answers and isinstance(decision, Respond):
            taking.answered()


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(
            [(200, "when is it?", 0, "person", "wait"), (400, ENTER, 0, "nobody", "respond when is it?")],
            id="Enter ends it",
        ),
        pytest.param(
            [(200, (Heard("find it", final=True),), 0, "nobody", "respond find it"), (400, "", 200, "nobody", "wait")],
            id="a line with its Enter",
        ),
        pytest.param(
            [
                (200, "is it late?", 10, "person", "wait"),
                (400, "", 210, "person", "wait"),
                (600, "", 410, "person", "prepare is it late?"),
                (800, "", 610, "nobody", "respond! is it late?"),
                (820, "", 630, "nobody", "wait"),
            ],
            id="prepared, then given",
        ),
        pytest.param(
            [
                (200, "is it late?", 10, "person", "wait"),
                (600, "", 410, "person", "prepare is it late?"),
                (800, " ", 50, "person", "keep"),
                (1_000, "", 250, "person", "keep"),
                (1_400, "", 650, "nobody", "respond! is it late?"),
            ],
            id="a space is no going on",
        ),
        pytest.param(
            [
                (200, "is it late?", 10, "person", "wait"),
                (600, "", 410, "person", "prepare is it late?"),
                (800, " And", 50, "person", "wait"),
                (1_000, " dark?", 50, "person", "wait"),
                (1_400, "", 450, "person", "prepare is it late? And dark?"),
                (1_600, "", 650, "nobody", "respond! is it late? And dark?"),
            ],
            id="a preparation is thrown away when the person goes on",
        ),
        pytest.param(
            [
                (200, "is it late?", 10, "person", "wait"),
                (600, "", 410, "person", "prepare is it late?"),
                (800, back("late?"), 50, "person", "wait"),
                (1_000, "dark?", 50, "person", "wait"),
                (1_600, "", 650, "nobody", "respond is it dark?"),
            ],
            id="words taken back before they were answered were never said",
        ),
        pytest.param([(200, ENTER, 0, "nobody", "wait"), (400, "   ", 0, "person", "wait")], id="nothing is nothing"),
        pytest.param(
            [
                (200, "find it", 0, "person", "wait"),
                (2_400, "", 2_200, "nobody", "respond find it"),
                (2_600, ENTER, 0, "nobody", "wait"),
            ],
            id="an Enter after the answer asks nothing",
        ),
        pytest.param(
            [
                (200, "a train to", 0, "person", "wait"),
                (2_000, "", 1_800, "nobody", "wait"),
                (2_200, ENTER, 0, "nobody", "respond a train to"),
            ],
            id="a bare Enter after a pause",
        ),
        pytest.param(
            [
                (200, "a train to", 0, "person", "wait"),
                (1_800, "", 1_600, "nobody", "wait"),
                (4_000, "", 3_800, "nobody", "wait"),
                (4_600, "", 4_400, "nobody", "respond a train to"),
            ],
            id="broken off, and answered at last",
        ),
        pytest.param(
            [
                (200, "Hello.", 0, "person", "wait"),
                (800, "", 600, "nobody", "respond Hello."),
                (2_000, " Is it late?", 0, "person", "wait"),
                (2_600, "", 600, "nobody", "respond+ Is it late?"),
            ],
            id="a line that goes on after it was answered",
        ),
        pytest.param(
            [
                (200, "Hello.", 0, "person", "wait"),
                (800, "", 600, "nobody", "respond Hello."),
                (2_000, (Heard(" Is it late?"), ENTER), 0, "nobody", "respond+ Is it late?"),
                (3_000, (Heard("And dark?"), ENTER), 0, "nobody", "respond And dark?"),
            ],
            id="and is entered then",
        ),
        pytest.param(
            [
                (200, "a train to Paris.", 0, "person", "wait"),
                (800, "", 600, "nobody", "respond a train to Paris."),
                (2_000, back("Paris."), 0, "person", "wait"),
                (2_200, "Lyon.", 0, "person", "wait"),
                (2_800, "", 600, "nobody", "respond+[Paris.] Lyon."),
            ],
            id="a correction after the answer",
        ),
        pytest.param(
            [
                (200, "cats and dogs.", 0, "person", "wait"),
                (800, "", 600, "nobody", "respond cats and dogs."),
                (2_000, back(" and dogs."), 0, "person", "wait"),
                (4_000, "", 2_000, "nobody", "wait"),
                (4_200, ENTER, 0, "nobody", "respond[and dogs.] cats"),
            ],
            id="shortened after the answer, and entered",
        ),
        pytest.param(
            [
                (200, "a train to Paris.", 0, "person", "wait"),
                (800, "", 600, "nobody", "respond a train to Paris."),
                (2_000, back("a train to Paris."), 0, "person", "wait"),
                (2_200, ENTER, 0, "nobody", "wait"),
            ],
            id="all taken back",
        ),
        pytest.param(
            [
                (200, (Heard("one", final=True), Heard("two")), 0, "person", "wait"),
                (400, ENTER, 0, "nobody", "respond one\ntwo"),
            ],
            id="two lines, one answer",
        ),
        pytest.param(
            [
                (200, SPEAKING, 0, "person", "wait"),
                (400, "is it", 0, "person", "wait"),
                (600, " late", 0, "person", "wait"),
                (800, SILENT, 0, "nobody", "respond is it late"),
            ],
            id="speech in pieces, then silence",
        ),
        pytest.param(
            [
                (200, SPEAKING, 0, "person", "wait"),
                (600, SILENT, 0, "nobody", "wait"),
                (900, (Heard("is it late", final=True),), 0, "nobody", "respond is it late"),
            ],
            id="the transcript comes after the silence",
        ),
        pytest.param(
            [
                (200, (SPEAKING, Heard("I went to the shop")), 0, "person", "wait"),
                (400, BREATH, 0, "person", "wait"),
                (2_700, "", 2_300, "nobody", "prepare I went to the shop"),
                (4_400, "", 4_000, "nobody", "respond! I went to the shop"),
            ],
            id="a breath is waited out",
        ),
        pytest.param(
            [
                (200, Heard("a cat", frame="f-1"), 0, "nobody", "wait"),
                (400, "", 200, "nobody", "wait"),
            ],
            id="a frame is not said",
        ),
    ],
)
def test_decisions(table: list[Row]) -> None:
    rows(table)


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(
            [
                (200, (Heard("is it late?"), ENTER), 0, "nobody", "respond is it late?"),
                (400, "", 200, "nobody", "wait"),
                (600, "and", 0, "person", "yield"),
                (800, " dark", 0, "person", "wait"),
                (1_000, ENTER, 0, "nobody", "respond is it late?\nand dark"),
            ],
            id="a follow-up before the answer: two lines, one answer",
        ),
        pytest.param(
            [
                (200, "is it late?", 0, "person", "wait"),
                (800, "", 600, "nobody", "respond is it late?"),
                (1_000, " Or dark?", 0, "person", "yield"),
                (1_600, "", 600, "nobody", "respond is it late? Or dark?"),
            ],
            id="the line goes on before the answer",
        ),
        pytest.param(
            [
                (200, (Heard("is it late?"), ENTER), 0, "nobody", "respond is it late?"),
                (400, "o", 0, "person", "wait"),
                (600, (Heard("k"), ENTER), 0, "nobody", "wait"),
                (800, "", 200, "nobody", "wait"),
            ],
            id="a listener's word leaves the answer alone",
        ),
        pytest.param(
            [
                (200, (Heard("is it late?"), ENTER), 0, "nobody", "respond is it late?"),
                (400, "o", 0, "person", "wait"),
                (600, "r dark?", 0, "person", "yield"),
                (1_200, "", 600, "nobody", "respond is it late?\nor dark?"),
            ],
            id="what began like one",
        ),
        pytest.param(
            [
                (200, (Heard("is it late?"), ENTER), 0, "nobody", "respond is it late?"),
                (400, " ", 0, "person", "wait"),
                (1_000, "", 600, "nobody", "wait"),
            ],
            id="a space asks nothing",
        ),
        pytest.param(
            [
                (200, (Heard("is it late?"), ENTER), 0, "nobody", "respond is it late?"),
                (400, SPEAKING, 0, "person", "yield"),
                (800, SILENT, 0, "nobody", "respond is it late?"),
            ],
            id="a cough costs a request and loses nothing",
        ),
        pytest.param(
            [
                (200, "is it late?", 0, "person", "wait"),
                (800, "", 600, "nobody", "respond is it late?"),
                (1_000, back("late?"), 0, "person", "yield"),
                (1_200, "dark?", 0, "person", "wait"),
                (1_800, "", 600, "nobody", "respond is it dark?"),
            ],
            id="corrected before the answer",
        ),
        pytest.param(
            [
                (200, (Heard("one?"), ENTER), 0, "nobody", "respond one?"),
                (400, (Heard("and two?"), ENTER), 0, "nobody", "respond one?\nand two?"),
            ],
            id="a whole line at once takes the place of the request",
        ),
    ],
)
def test_before_the_answer_has_begun(table: list[Row]) -> None:
    rows(table, answers=False)


def test_what_comes_after_the_answer_has_begun_is_answered_alone() -> None:
    taking = Turntaking()
    rows([(200, (Heard("one?"), ENTER), 0, "nobody", "respond one?")], taking, answers=False)
    rows([(400, "an", 0, "person", "yield")], Turntaking(), answers=False, busy=True)
    taking.answered()
    rows([(600, (Heard("and two?"), ENTER), 0, "nobody", "respond and two?")], taking)


def test_words_typed_while_the_answer_begins_wait_for_their_own() -> None:
    taking = Turntaking()
    rows([(200, "one?", 0, "person", "wait"), (800, "", 600, "nobody", "respond one?")], taking, answers=False)
    # It may still become "ok": the request goes on, and its first words come.
    rows([(1_000, " o", 0, "person", "wait")], taking, answers=False)
    taking.answered()
    rows([(1_200, "r two?", 0, "person", "wait"), (1_800, "", 600, "nobody", "respond+ or two?")], taking)


@pytest.mark.parametrize(
    ("pieces", "floor", "expected"),
    [
        ("stop", "person", "yield"),
        ("stop", "both", "yield"),
        (SPEAKING, "person", "yield"),
        (back("x"), "person", "yield"),
        ("o", "person", "wait"),
        ("mm-hm", "person", "wait"),
        ((Heard("ok"), ENTER), "nobody", "wait"),
        ((Heard("stop"), ENTER), "nobody", "respond stop"),
        ("", "person", "wait"),
        (" ", "person", "wait"),
    ],
)
def test_while_the_voice_is_busy(pieces: str | Heard | tuple[Heard, ...], floor: Floor, expected: str) -> None:
    rows([(200, pieces, 0, floor, expected)], busy=True)


def test_yes_is_an_answer_where_one_is_expected() -> None:
    rows([(200, (Heard("yes"), ENTER), 0, "nobody", "respond yes")], busy=True, expecting="s-1.2")
    table: list[Row] = [(200, "yes", 0, "person", "wait"), (1_700, "", 1_500, "nobody", "respond yes")]
    rows(table, expecting="s-1.2")


def test_what_was_cut_off_is_given_way_to() -> None:
    micro_turn = MicroTurn(n=1, at_ms=200, heard=(Heard("no"),), floor="person", unheard="and then it")
    assert isinstance(Turntaking().hear(micro_turn), Yield)


def test_a_listeners_word_that_the_session_kept_closes_the_line() -> None:
    taking = Turntaking()
    rows([(200, "Hello.", 0, "person", "wait"), (800, "", 600, "nobody", "respond Hello.")], taking)
    noted = MicroTurn(
        n=9, at_ms=2_000, heard=(back("lo."), Heard("p me.")), entries=(Said(text="ok", backchannel=True),)
    )
    assert said(taking.hear(noted)) == "wait"
    rows([(2_600, "", 600, "nobody", "respond p me.")], taking)


def test_lines_that_come_while_the_answer_begins() -> None:
    line = Line()
    line.insert("one?")
    line.ask()
    line.insert(" or two?")
    line.enter()
    line.insert("three")
    line.settle()
    assert (line.pending, line.continues) == ("or two?\nthree", True)
    line.ask()
    line.settle()
    assert (line.pending, line.fresh) == ("", "")


# --- preparing -------------------------------------------------------------------------------------------------------


def test_preparations_are_bounded_and_come_ever_more_rarely() -> None:
    taking, prepared = Turntaking(), list[int]()
    at_ms = 0
    for _ in range(12):
        at_ms += 200
        taking.hear(MicroTurn(n=0, at_ms=at_ms, heard=(Heard(" Is it so?"),), floor="person"))
        at_ms += 400
        decision = taking.hear(MicroTurn(n=0, at_ms=at_ms, quiet_ms=400, floor="person"))
        if isinstance(decision, Prepare):
            prepared.append(at_ms)
    assert prepared == [600, 1_200, 2_400]


@pytest.mark.parametrize("line", ["Hi", "a train to", "it costs 4,", 'he said "yes?', "well", "because"])
def test_no_preparation_for_short_or_unfinished_lines(line: str) -> None:
    taking = Turntaking()
    decisions = [taking.hear(MicroTurn(n=0, at_ms=200, heard=(Heard(line),), floor="person"))]
    decisions += [
        taking.hear(MicroTurn(n=0, at_ms=200 + quiet, quiet_ms=quiet, floor="person"))
        for quiet in range(200, 1_500, 200)
    ]
    assert not [decision for decision in decisions if not isinstance(decision, Wait)]


def test_preparing_can_be_turned_off() -> None:
    rows(
        [
            (200, "is it late?", 0, "person", "wait"),
            (600, "", 400, "person", "wait"),
            (800, "", 600, "nobody", "respond is it late?"),
        ],
        Turntaking(TurnSettings(preempt=False)),
    )


def test_a_person_who_pauses_is_not_at_an_end_after_a_moment() -> None:
    taking = Turntaking()
    at_ms = 0
    for word in ("is ", "the ", "shop ", "still "):
        rows([(at_ms + 200, word, 0, "person", "wait")], taking)
        for quiet in (200, 400, 600, 800):
            rows([(at_ms + 200 + quiet, "", quiet, "person", "wait")], taking)
        at_ms += 1_000
    rows(
        [
            (at_ms + 200, "open?", 0, "person", "wait"),
            (at_ms + 500, "", 300, "person", "wait"),
            (at_ms + 800, "", 600, "nobody", "wait"),
            (at_ms + 1_000, "", 800, "nobody", "prepare is the shop still open?"),
            (at_ms + 1_200, "", 1_000, "nobody", "respond! is the shop still open?"),
        ],
        taking,
    )


def test_tempo_is_a_median() -> None:
    tempo = Tempo()
    for number in range(20):
        tempo.hear(200 * number, 0, 2)
    tempo.hear(4_000, 200, 0)
    tempo.hear(7_000, 3_200, 0)
    tempo.hear(7_200, 0, 1)
    assert (tempo.gap_ms, tempo.pause_ms) == (100, 0)


# --- a listener's word -----------------------------------------------------------------------------------------------


def telling(taking: Turntaking, *, spoken: bool) -> list[int]:
    """When a listener's word is put in, while somebody tells for half a minute with a comma every two seconds."""
    nods: list[int] = []
    for at_ms in range(0, 30_000, 200):
        pieces: tuple[Heard, ...] = (SPEAKING,) if at_ms == 0 and spoken else ()
        if at_ms % 2_000 == 0:
            pieces = (*pieces, Heard(" and then we went on," if at_ms != 20_000 else " do you know it?"))
        decision = taking.hear(MicroTurn(n=0, at_ms=at_ms, heard=pieces, quiet_ms=at_ms % 2_000, floor="person"))
        if isinstance(decision, Backchannel):
            nods.append(at_ms)
        assert not isinstance(decision, Respond)
    return nods


def test_a_listeners_word_in_a_long_telling() -> None:
    nods = telling(Turntaking(), spoken=True)
    assert nods == [6_400, 14_400, 22_400]
    assert telling(Turntaking(TurnSettings(backchannels=False)), spoken=True) == []
    assert telling(Turntaking(), spoken=False) == []
    assert telling(Turntaking(TurnSettings(typed_backchannels=True)), spoken=False) == nods


# --- how a line looks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("When is the next train?", "ended"),
        ("Find it. ", "ended"),
        ('He said "go."', "ended"),
        ("(is it?)", "ended"),
        ("今何時ですか？", "ended"),  # noqa: RUF001
        ("when is the next train", "complete"),
        ("find me a train to Lyon", "complete"),
        ("please call Anna", "complete"),
        ("ok", "complete"),
        ("wie spät ist es", "complete"),
        ("I like trains", "open"),
        ("turn it on", "open"),
        ("where are you from", "open"),
        ("call 555", "open"),
        ("well...", "open"),
        ("open notes.", "ended"),
        ("open notes/a.", "open"),
        ("find me a train to", "unfinished"),
        ("because", "unfinished"),
        ("and", "unfinished"),
        ("I was there,", "unfinished"),
        ('he said "go', "unfinished"),
        ("a list (one", "unfinished"),
        ("ask Dr.", "unfinished"),
        ("1.", "unfinished"),
        ("it costs $", "unfinished"),
        ("what is 17 *", "unfinished"),
        ("a book and", "unfinished"),
        ("ich komme, weil", "unfinished"),
        ("", "open"),
    ],
)
def test_how_a_line_looks(line: str, expected: str) -> None:
    assert look(line) == expected


# --- with the real session -------------------------------------------------------------------------------------------


class Listener:
    """A voice that only takes turns: it answers nothing or one word, and keeps what was decided."""

    def __init__(self, *, say: str = "", settings: TurnSettings | None = None) -> None:
        self.taking: Turntaking = Turntaking(settings)
        self.decided: list[tuple[MicroTurn, Turn]] = []
        self._say = say

    def __call__(self, turn: MicroTurn) -> list[ModelEvent]:
        decision = self.taking.hear(turn)
        self.decided.append((turn, decision))
        if isinstance(decision, Respond):
            self.taking.answered()
            if self._say:
                return [ModelSpoke(self._say), ModelRested(turn.n)]
        return [ModelRested(turn.n)]

    def did(self) -> list[str]:
        """What was decided beside waiting."""
        return [said(decision) for _, decision in self.decided if not isinstance(decision, Wait)]

    def first(self, kind: type[Turn]) -> MicroTurn:
        return next(turn for turn, decision in self.decided if isinstance(decision, kind))


def typed(text: str, *, every_ms: int, start_ms: int = 1_000) -> list[tuple[int, Event]]:
    r"""Keys, one after another; `"\n"` is Enter."""
    return [
        (start_ms + number * every_ms, UserText("", final=True) if key == "\n" else UserText(key))
        for number, key in enumerate(text)
    ]


def listen(events: list[tuple[int, Event]], voice: Listener | None = None) -> Listener:
    voice = voice or Listener()
    session = Session(SessionConfig(), timing=WaitForGap())
    play(session, events, until_ms=events[-1][0] + 6_000, voice=voice)
    return voice


@pytest.mark.parametrize("every_ms", [60, 100, 166, 250])
@pytest.mark.parametrize("start_ms", [1_000, 1_050, 1_110, 1_190])
@pytest.mark.parametrize("text", ["when is the next train?", "Tell me about Lyon.", "Is it late"])
def test_prepared_before_the_floor_is_given_back_and_answered_then(text: str, every_ms: int, start_ms: int) -> None:
    voice = listen(typed(text, every_ms=every_ms, start_ms=start_ms))
    assert voice.did()[-2:] == [f"prepare {text}", f"respond! {text}"]
    assert len(voice.did()) <= 4
    prepared = [turn for turn, decision in voice.decided if isinstance(decision, Prepare)][-1]
    answered = voice.first(Respond)
    assert prepared.n < answered.n
    given_back = next(turn for turn, _ in voice.decided if turn.floor == "nobody")
    assert answered.n == given_back.n


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("find me a train to", ["respond find me a train to"]),
        ("I like it, because", ["respond I like it, because"]),
        ("find it\n", ["respond find it"]),
        ("\n", []),
        ("  \n", []),
        ("one\ntwo\n", ["respond one", "respond two"]),
    ],
)
def test_typed_lines(text: str, expected: list[str]) -> None:
    assert listen(typed(text, every_ms=100)).did() == expected


def test_what_goes_on_is_answered_for_itself() -> None:
    events = [*typed("Hello there.", every_ms=100), *typed(" Is it late?", every_ms=100, start_ms=6_000)]
    answers = [line for line in listen(events).did() if line.startswith("respond")]
    assert answers == ["respond! Hello there.", "respond+! Is it late?"]


def test_a_listeners_word_reaches_nobody_while_the_voice_speaks() -> None:
    voice = Listener(say="It is a long story, and it begins in a small town by the sea, many years ago. " * 3)
    events = [*typed("Tell me a story\n", every_ms=50), *typed("ok\n", every_ms=50, start_ms=3_000)]
    assert listen(events, voice).did() == ["respond Tell me a story"]


def test_cutting_in_is_given_way_to() -> None:
    voice = Listener(say="It is a long story, and it begins in a small town by the sea, many years ago. " * 3)
    events = [*typed("Tell me a story\n", every_ms=50), *typed("stop it\n", every_ms=50, start_ms=3_000)]
    assert listen(events, voice).did() == ["respond Tell me a story", "yield", "respond stop it"]


def test_speech_in_pieces() -> None:
    events: list[tuple[int, Event]] = [
        (1_000, UserActivity("speaking")),
        (1_300, UserAudio("when is")),
        (1_800, UserAudio(" the next train")),
        (2_400, UserActivity("silent")),
        (5_000, UserActivity("speaking")),
        (5_400, UserAudio("and the one after that", final=True)),
        (5_600, UserActivity("silent")),
    ]
    assert listen(events).did() == ["respond when is the next train", "respond and the one after that"]


KEYS = st.lists(
    st.tuples(st.sampled_from([40, 90, 160, 300, 700, 1_700, 5_200]), st.sampled_from("abt ?.,\n<")),
    min_size=1,
    max_size=40,
)


def cut(keys: list[tuple[int, str]], lengths: list[int]) -> list[tuple[int, Event]]:
    """The same keys in pieces: each piece comes when its last key is pressed."""
    events: list[tuple[int, Event]] = []
    at_ms, piece, left = 500, "", 0
    sizes = iter(lengths)
    for gap_ms, key in keys:
        at_ms += gap_ms
        if key == "\n":
            events.append((at_ms, UserText(piece, final=True)))
            piece = ""
        elif key == "<":
            if piece:
                events.append((at_ms, UserText(piece)))
                piece = ""
            events.append((at_ms, UserText("x", op="delete")))
        else:
            piece += key
            left = left - 1 if left > 0 else next(sizes, 1) - 1
            if left == 0:
                events.append((at_ms, UserText(piece)))
                piece = ""
    if piece:
        events.append((at_ms, UserText(piece)))
    return events or [(at_ms, UserText("", final=True))]


@given(KEYS, st.lists(st.integers(1, 5), max_size=20))
def test_however_the_keys_are_cut_each_line_is_answered_once(keys: list[tuple[int, str]], lengths: list[int]) -> None:
    keys = [(gap, key if key != "<" else "t") for gap, key in keys]
    voice = listen(cut(keys, lengths))
    answers = [decision.line for _, decision in voice.decided if isinstance(decision, Respond)]
    said_once = "".join("".join(answers).split())
    assert said_once == "".join("".join(key for _, key in keys).split())
    assert all(line.strip() == line and line for line in answers)


@given(KEYS, st.lists(st.integers(1, 5), max_size=20))
def test_never_over_the_person_and_never_dear(keys: list[tuple[int, str]], lengths: list[int]) -> None:
    voice = listen(cut(keys, lengths))
    prepares, held = 0, ""
    for turn, decision in voice.decided:
        if isinstance(decision, Respond):
            assert turn.floor not in ("person", "both")
            assert decision.prepared == (decision.line == held)
            prepares, held = 0, ""
        elif isinstance(decision, Prepare):
            prepares += 1
            assert prepares <= voice.taking.settings.prepares
            assert decision.line != held
            held = decision.line
        elif isinstance(decision, Wait):
            held = held if decision.keep else ""
