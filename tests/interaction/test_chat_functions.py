"""What a model's call means: tables of calls and acts, the usual mistakes among them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interaction.models.chat_functions import NAMES, Deed, Functions, Problem, Silence, item_arguments
from orchestrator.agenda_items import AfterSilence, AgendaItem, At, Every, OnCount, OnCue
from orchestrator.completions.asking import FunctionCall
from orchestrator.effects import MicroTurn, Offer, Work
from orchestrator.events import (
    ModelAmended,
    ModelCancelled,
    ModelDelegated,
    ModelEvent,
    ModelScheduled,
    ModelUnscheduled,
)
from orchestrator.finding import Finding
from orchestrator.ports import Opening, ToolInfo

OPENING = Opening(
    "s",
    (ToolInfo("trains", "Find trains."), ToolInfo("weather", "The weather.")),
    ("research", "booking"),
    abouts={"research": "Looks things up."},
)
FUNCTIONS = Functions(OPENING)
TRAINS = Work("s-1", "trains to Lyon", "running")
HOTEL = Work("s-2", "a hotel in Lyon", "queued")
DONE = Work("s-3", "the weather", "done")
UNTOLD = Work("s-4", "the news", "done", untold=True)
GONE = Work("s-5", "a flight", "cancelled")


def turn(*work: Work, **more: Any) -> MicroTurn:
    return MicroTurn(7, 1_400, 20, work=work, **more)


def call(name: str, **arguments: Any) -> FunctionCall:
    return FunctionCall("c1", name, arguments)


def event_of(act: object) -> ModelEvent:
    assert isinstance(act, Deed), act
    return act.event


def problem_of(act: object) -> str:
    assert isinstance(act, Problem), act
    return act.text


DEEDS: list[tuple[str, FunctionCall, MicroTurn, ModelEvent]] = [
    ("a task", call("delegate", task=" trains to Lyon "), turn(), ModelDelegated("trains to Lyon")),
    (
        "a task with everything",
        call(
            "delegate", task="trains", say="I look.", pool="research", urgency="high", tools=["trains"], replaces="s-1"
        ),
        turn(TRAINS),
        ModelDelegated("trains", ("trains",), "research", "s-1", "high"),
    ),
    (
        "nulls are left out",
        call("delegate", task="t", pool=None, tools=None, replaces=None),
        turn(),
        ModelDelegated("t"),
    ),
    ("a task under another name", call("delegate", query="trains", say="I look."), turn(), ModelDelegated("trains")),
    (
        "a pool in other letters",
        call("delegate", task="t", pool="Research"),
        turn(),
        ModelDelegated("t", pool="research"),
    ),
    (
        "tools that are not there",
        call("delegate", task="t", tools=["trains", "magic"]),
        turn(),
        ModelDelegated("t", ("trains",)),
    ),
    (
        "tools as a text",
        call("delegate", task="t", tools="trains, weather"),
        turn(),
        ModelDelegated("t", ("trains", "weather")),
    ),
    ("an urgency that is none", call("delegate", task="t", urgency="critical"), turn(), ModelDelegated("t")),
    ("a namespaced name", call("functions.delegate", task="t"), turn(), ModelDelegated("t")),
    ("a correction", call("amend", task_id="s-1", text="Paris"), turn(TRAINS, HOTEL), ModelAmended("s-1", "Paris")),
    ("only one is open", call("amend", text="Paris"), turn(TRAINS, DONE), ModelAmended("s-1", "Paris")),
    ("only the number", call("amend", task_id="2", text="Paris"), turn(TRAINS, HOTEL), ModelAmended("s-2", "Paris")),
    ("a number as a number", call("amend", task_id=2, text="Paris"), turn(TRAINS, HOTEL), ModelAmended("s-2", "Paris")),
    ("the word before it", call("amend", task_id="Task s-2", text="P"), turn(TRAINS, HOTEL), ModelAmended("s-2", "P")),
    ("what is done already", call("amend", text="in Lyon"), turn(DONE), ModelAmended("s-3", "in Lyon")),
    (
        "an answer",
        call("amend", task_id="s-1", text="second class"),
        turn(TRAINS, HOTEL, expecting="s-1.4"),
        ModelAmended("s-1", "second class", "s-1.4"),
    ),
    (
        "an answer without an id goes to whoever asked",
        call("amend", text="second class"),
        turn(TRAINS, HOTEL, expecting="s-1.4"),
        ModelAmended("s-1", "second class", "s-1.4"),
    ),
    (
        "a correction of another task is no answer",
        call("amend", task_id="s-2", text="near the station"),
        turn(TRAINS, HOTEL, expecting="s-1.4"),
        ModelAmended("s-2", "near the station"),
    ),
    ("a call-off", call("cancel", task_id="s-2"), turn(TRAINS, HOTEL), ModelCancelled("s-2")),
    ("the only one", call("cancel"), turn(TRAINS, DONE), ModelCancelled("s-1")),
    ("what has not been told", call("cancel", task_id="s-4"), turn(UNTOLD), ModelCancelled("s-4")),
    (
        "a timer",
        call("schedule", when="in", say="Tea is ready.", seconds=180),
        turn(),
        ModelScheduled(At(id="a1", say="Tea is ready.", in_ms=180_000)),
    ),
    (
        "a number as a text",
        call("schedule", when="every", say="Breathe.", seconds="1.5", times=3),
        turn(agenda=("a1", "a4", "b9")),
        ModelScheduled(Every(id="a5", say="Breathe.", period_ms=1_500, times=3)),
    ),
    (
        "a silence",
        call("schedule", when="silence", say="Still there?", seconds=10),
        turn(),
        ModelScheduled(AfterSilence(id="a1", say="Still there?", quiet_ms=10_000)),
    ),
    (
        "each silence",
        call("schedule", when="silence", say="Still there?", seconds=10, times=0),
        turn(),
        ModelScheduled(AfterSilence(id="a1", say="Still there?", quiet_ms=10_000, once=False)),
    ),
    (
        "a cue",
        call("schedule", when="cue", say="Beep.", phrase="like", over_speech=False),
        turn(),
        ModelScheduled(OnCue(id="a1", say="Beep.", phrase="like", over_speech=False)),
    ),
    (
        "a count",
        call("schedule", when="count", say="{count}!", phrase="lap", times=10),
        turn(),
        ModelScheduled(OnCount(id="a1", say="{count}!", phrase="lap", n=10)),
    ),
    (
        "a silent count",
        call("schedule", when="count", say="", phrase="lap"),
        turn(),
        ModelScheduled(OnCount(id="a1", say="", phrase="lap", silent=True)),
    ),
    ("off the agenda", call("unschedule", id="a2"), turn(agenda=("a1", "a2")), ModelUnscheduled("a2")),
    ("the only item", call("unschedule"), turn(agenda=("a1",)), ModelUnscheduled("a1")),
    ("everything", call("unschedule", id="all"), turn(agenda=("a1", "a2")), ModelUnscheduled("")),
]


@pytest.mark.parametrize(("made", "at", "event"), [row[1:] for row in DEEDS], ids=[row[0] for row in DEEDS])
def test_a_call_becomes_the_event_that_is_meant(made: FunctionCall, at: MicroTurn, event: ModelEvent) -> None:
    assert event_of(FUNCTIONS.read(made, at)) == event


PROBLEMS: list[tuple[str, FunctionCall, MicroTurn, str]] = [
    ("an invented function", call("search", query="t"), turn(), "There is no function 'search'"),
    ("one that is nearly right", call("delegates", task="t"), turn(), "Did you mean delegate?"),
    ("no object", FunctionCall("c", "amend", None, "{", "it breaks off"), turn(), "could not be read: it breaks off"),
    ("no task", call("delegate", say="I look."), turn(), "delegate needs `task`"),
    ("an unknown pool", call("delegate", task="t", pool="legal"), turn(), "There are: research, booking."),
    ("an unknown task", call("amend", task_id="t-9", text="x"), turn(TRAINS), "There is no task 't-9'"),
    ("a near one", call("amend", task_id="s_1", text="x"), turn(TRAINS), "Did you mean s-1?"),
    ("which one?", call("amend", text="x"), turn(TRAINS, HOTEL), "s-2 (queued): a hotel in Lyon"),
    ("no text", call("amend", task_id="s-1"), turn(TRAINS), "amend needs `text`"),
    ("it is gone", call("amend", task_id="s-5", text="x"), turn(GONE), "Task s-5 was cancelled. Delegate it anew"),
    ("nothing runs", call("cancel"), turn(), "There are no tasks."),
    ("done already", call("cancel", task_id="s-3"), turn(DONE), "s-3 is done already"),
    ("to replace nothing", call("delegate", task="t", replaces="s-8"), turn(TRAINS), "There is no task 's-8'"),
    ("no time", call("schedule", when="in", say="x"), turn(), "needs `seconds`"),
    ("a time that is none", call("schedule", when="in", say="x", seconds=float("nan")), turn(), "needs `seconds`"),
    ("the past", call("schedule", when="in", say="x", seconds=-1), turn(), "needs `seconds`"),
    ("too often", call("schedule", when="every", say="x", seconds=0.1), turn(), "at least 0.2"),
    ("no phrase", call("schedule", when="cue", say="x"), turn(), "needs `phrase`"),
    ("no words", call("schedule", when="cue", phrase="x"), turn(), "schedule needs `say`"),
    ("at no time", call("schedule", when="tomorrow", say="x"), turn(), "one of in, every, silence, cue, count"),
    ("an empty agenda", call("unschedule", id="a1"), turn(), "a1 is not on the agenda. It is empty."),
    ("not there", call("unschedule", id="a7"), turn(agenda=("a1", "a2")), "On it stand: a1, a2."),
]


@pytest.mark.parametrize(("made", "at", "words"), [row[1:] for row in PROBLEMS], ids=[row[0] for row in PROBLEMS])
def test_a_call_that_cannot_be_carried_out_says_why(made: FunctionCall, at: MicroTurn, words: str) -> None:
    assert words in problem_of(FUNCTIONS.read(made, at))


def test_what_is_said_at_once_is_one_short_sentence() -> None:
    short = FUNCTIONS.read(call("delegate", task="t", say=" I'll look\nthat up. "), turn())
    long = FUNCTIONS.read(call("delegate", task="t", say="I'll look that up. " + "Meanwhile, a story. " * 20), turn())
    endless = FUNCTIONS.read(call("delegate", task="t", say="and so on " * 40), turn())
    assert isinstance(short, Deed) and isinstance(long, Deed) and isinstance(endless, Deed)
    assert (short.say, long.say) == ("I'll look that up.", "I'll look that up.")
    assert len(endless.say) <= 161 and endless.say.endswith("…")


def test_a_schedule_says_its_words_later_and_its_reply_now() -> None:
    act = FUNCTIONS.read(call("schedule", when="in", seconds=5, say="Time!", reply="Five seconds, go."), turn())
    assert isinstance(act, Deed)
    assert act.say == "Five seconds, go."


def test_silence_acknowledges_only_what_is_named() -> None:
    offers = tuple(Offer(Finding("x").stamped(delegation="s-1", attempt=1, seq=n, context_revision=1)) for n in (1, 2))
    at = turn(TRAINS, offers=offers)
    assert FUNCTIONS.read(call("stay_silent"), at) == Silence()
    assert FUNCTIONS.read(call("stay_silent", findings=["s-1.2"], reason="known"), at) == Silence(("s-1.2",), "known")
    assert FUNCTIONS.read(call("stay_silent", findings="s-1.1, s-9.9"), at) == Silence(("s-1.1",))
    assert FUNCTIONS.read(call("stay_silent", findings=["s-7.1"]), at, offered=["s-7.1"]) == Silence(("s-7.1",))
    assert FUNCTIONS.read(call("stay_silent", findings="s-1.1"), turn()) == Silence(), "nobody offered it"


def test_an_id_of_the_agenda_is_never_given_twice() -> None:
    act = FUNCTIONS.read(
        call("schedule", when="in", seconds=1, say="x"), turn(agenda=("a2",)), taken={"a7", "a3", "tea"}
    )
    assert event_of(act) == ModelScheduled(At(id="a8", say="x", in_ms=1_000))


names = st.text("abcdefghij", min_size=1, max_size=8)
numbers = st.integers(1, 10_000_000)
items: st.SearchStrategy[AgendaItem] = st.one_of(
    st.builds(At, id=st.just("a1"), say=names, in_ms=numbers, over_speech=st.booleans()),
    st.builds(
        Every,
        id=st.just("a1"),
        say=names,
        period_ms=st.integers(200, 10**7),
        times=st.integers(0, 9),
        over_speech=st.booleans(),
    ),
    st.builds(
        AfterSilence, id=st.just("a1"), say=names, quiet_ms=numbers, once=st.booleans(), over_speech=st.booleans()
    ),
    st.builds(OnCue, id=st.just("a1"), say=names, phrase=names, over_speech=st.booleans()),
    st.builds(OnCount, id=st.just("a1"), say=names, phrase=names, n=st.integers(0, 9), over_speech=st.booleans()),
)


@given(items)
def test_an_item_is_shown_as_the_call_that_makes_it(item: AgendaItem) -> None:
    assert event_of(FUNCTIONS.read(call("schedule", **item_arguments(item)), turn())) == ModelScheduled(item)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from(
    [
        "task",
        "say",
        "pool",
        "urgency",
        "tools",
        "replaces",
        "task_id",
        "text",
        "when",
        "seconds",
        "phrase",
        "times",
        "over_speech",
        "id",
        "findings",
    ]
)


@given(st.sampled_from(NAMES), st.dictionaries(keys, anything, max_size=6))
def test_whatever_a_model_writes_is_an_act_or_a_problem(name: str, arguments: dict[str, Any]) -> None:
    act = FUNCTIONS.read(FunctionCall("c", name, arguments), turn(TRAINS, HOTEL, DONE, agenda=("a1",)))
    assert isinstance(act, Deed | Silence | Problem)
    if isinstance(act, Deed):
        json.dumps(act.arguments, allow_nan=False)


# --- schemas ---------------------------------------------------------------------------------------------------------


def parameters(functions: Functions, name: str) -> dict[str, Any]:
    (found,) = [each["function"] for each in functions.schemas if each["function"]["name"] == name]
    return dict(found["parameters"])


def test_there_is_a_schema_for_each_function_and_its_bytes_are_stable() -> None:
    assert [each["function"]["name"] for each in FUNCTIONS.schemas] == list(NAMES)
    assert json.dumps(FUNCTIONS.schemas) == json.dumps(Functions(OPENING).schemas)
    for each in FUNCTIONS.schemas:
        assert set(each) == {"type", "function"}
        assert each["function"]["parameters"]["additionalProperties"] is False
        assert set(each["function"]["parameters"]["required"]) <= set(each["function"]["parameters"]["properties"])


def test_enums_hold_what_there_is() -> None:
    properties = parameters(FUNCTIONS, "delegate")["properties"]
    assert properties["pool"]["enum"] == ["research", "booking"]
    assert properties["tools"]["items"]["enum"] == ["trains", "weather"]
    assert properties["urgency"]["enum"] == ["low", "normal", "high"]
    bare = parameters(Functions(Opening("s", pools=("default",))), "delegate")["properties"]
    assert "pool" not in bare and "tools" not in bare, "where there is no choice there is no question"


def test_strict_schemas_require_everything_and_let_it_be_null() -> None:
    strict = Functions(OPENING, strict=True)
    for each in strict.schemas:
        function = each["function"]
        assert function["strict"] is True
        assert function["parameters"]["required"] == list(function["parameters"]["properties"])
    properties = parameters(strict, "delegate")["properties"]
    assert properties["task"]["type"] == "string"
    assert properties["pool"] == {
        "type": ["string", "null"],
        "enum": ["research", "booking", None],
        "description": properties["pool"]["description"],
    }
