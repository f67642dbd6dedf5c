"""The planner as a table: a task, and the calls it comes to."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest

from background.models.planning import answered, completed, plan
from orchestrator.context import Assigned, Entry, Found, Said
from orchestrator.finding import Finding, Source
from orchestrator.ports import Result, ToolInfo
from tests.background.models.kit import INFOS, trains
from tools.bundled import WebSettings, bundled

Calls = list[tuple[str, dict[str, Any]]]

ONE_STEP: list[tuple[str, str, dict[str, Any]]] = [
    ("find where the ledger says superseded in the files", "search_files", {"query": "ledger says superseded"}),
    ("search for the agenda", "search_files", {"query": "agenda"}),
    ("could you please look up the timing policy for me?", "search_files", {"query": "timing policy"}),
    ('look in the project\'s files for "micro-turn grid"', "search_files", {"query": "micro-turn grid"}),
    ("search the files for timing policy, limit 5", "search_files", {"query": "timing policy", "limit": 5}),
    ("find 3 mentions of barge-in", "search_files", {"query": "barge-in", "limit": 3}),
    ("find the agenda in orchestrator/", "search_files", {"query": "agenda", "folder": "orchestrator/"}),
    ("find agenda in the tests folder", "search_files", {"query": "agenda", "folder": "tests"}),
    ("find salt and pepper in the files", "search_files", {"query": "salt and pepper"}),
    ("which files mention hypothesis?", "search_files", {"query": "hypothesis"}),
    ("is there anything about leases in the docs?", "search_files", {"query": "leases"}),
    ("where is Instant defined", "search_files", {"query": "Instant"}),
    ("how often is micro-turn mentioned in the files?", "search_files", {"query": "micro-turn"}),
    ("find limit=3 leases", "search_files", {"query": "leases", "limit": 3}),
    ("read README.md", "read_file", {"path": "README.md"}),
    ("show me the file pyproject.toml please", "read_file", {"path": "pyproject.toml"}),
    ("open src/main.py", "read_file", {"path": "src/main.py"}),
    ("what is 12*3.5?", "calculate", {"expression": "12*3.5"}),
    ("how much is 3 times (4 plus 5)", "calculate", {"expression": "3 * (4 + 5)"}),
    ("what is the square root of 144", "calculate", {"expression": "sqrt(144)"}),
    ("calculate 15 percent of 80", "calculate", {"expression": "15 / 100 * 80"}),
    ("what is seven times eight", "calculate", {"expression": "7 * 8"}),
    ("convert 12 km to miles", "convert", {"value": 12, "from_unit": "km", "to_unit": "miles"}),
    ("how many miles are in 12.5 km?", "convert", {"value": 12.5, "from_unit": "km", "to_unit": "miles"}),
    ("what is 20 celsius in fahrenheit", "convert", {"value": 20, "from_unit": "celsius", "to_unit": "fahrenheit"}),
    ("what time is it in Tokyo?", "now", {"zone": "Tokyo"}),
    ("what day is it", "now", {}),
    ("find trains from Paris to Lyon", "trains", {"start": "Paris", "end": "Lyon"}),
    ("trains from paris to lyon tomorrow", "trains", {"start": "paris", "end": "lyon"}),
    ("when is the next train to Lyon from Paris please", "trains", {"start": "Paris", "end": "Lyon"}),
    ("trains between New York and Boston", "trains", {"start": "New York", "end": "Boston"}),
    ("will it rain in London", "weather", {"city": "London"}),
    (
        "what's the weather in Berlin tomorrow in fahrenheit",
        "weather",
        {"city": "Berlin", "day": "tomorrow", "unit": "fahrenheit"},
    ),
    (
        "book a table for 4 people at Luigi tomorrow, outside",
        "book_table",
        {"restaurant": "Luigi", "people": 4, "when": "tomorrow", "outside": True},
    ),
    (
        "reserve a table at Luigi for two people tonight, not outside",
        "book_table",
        {"restaurant": "Luigi", "people": 2, "when": "tonight", "outside": False},
    ),
]


@pytest.mark.parametrize(("task", "tool", "arguments"), ONE_STEP, ids=[task for task, _, _ in ONE_STEP])
def test_one_call(task: str, tool: str, arguments: dict[str, Any]) -> None:
    result = plan(task, INFOS)
    assert [(step.tool, dict(step.arguments), step.missing) for step in result.steps] == [(tool, arguments, ())]
    assert result.unmatched == ()


SEVERAL: list[tuple[str, Calls]] = [
    (
        "calculate 2+2 and find the word barge-in in the code",
        [("calculate", {"expression": "2+2"}), ("search_files", {"query": "barge-in"})],
    ),
    (
        "find the agenda, then convert 3 km to miles. What time is it?",
        [
            ("search_files", {"query": "agenda"}),
            ("convert", {"value": 3, "from_unit": "km", "to_unit": "miles"}),
            ("now", {}),
        ],
    ),
    (
        "what is 7 times 8 and how much is 100 miles in km",
        [
            ("calculate", {"expression": "7 * 8"}),
            ("convert", {"value": 100, "from_unit": "miles", "to_unit": "km"}),
        ],
    ),
    ('find "read this and calculate that" in the files', [("search_files", {"query": "read this and calculate that"})]),
]


@pytest.mark.parametrize(("task", "calls"), SEVERAL, ids=[task for task, _ in SEVERAL])
def test_several_independent_steps(task: str, calls: Calls) -> None:
    steps = plan(task, INFOS).steps
    assert [(step.tool, dict(step.arguments)) for step in steps] == calls
    assert all(step.after is None and not step.missing for step in steps)


@pytest.mark.parametrize(
    ("task", "tool", "missing"),
    [
        ("trains to Lyon", "trains", ["start"]),
        ("I want to go to Lyon by train", "trains", ["start"]),
        ("when does a train leave from Paris", "trains", ["end"]),
        ("what is the weather", "weather", ["city"]),
        ("open the design document", "read_file", ["path"]),
        ("book a table at Luigi", "book_table", ["people", "when"]),
    ],
)
def test_what_cannot_be_filled_is_left_open(task: str, tool: str, missing: list[str]) -> None:
    (step,) = plan(task, INFOS).steps
    assert (step.tool, [slot.name for slot in step.missing]) == (tool, missing)


def test_a_step_may_build_on_the_one_before() -> None:
    first, second = plan("find superseded and read the second one", INFOS).steps
    assert (first.after, second.after) == (None, 0)
    sources = (Source("a", "a.py:3"), Source("a", "a.py:9"), Source("b", "b.py:1"))
    assert completed(second, Result("two files", sources=sources)).arguments == {"path": "b.py"}
    unfilled = completed(second, Result("one file", sources=sources[:1]))
    assert [slot.name for slot in unfilled.missing] == ["path"], "there is no second one"


def test_a_number_goes_on_to_the_next_step() -> None:
    _, second = plan("calculate 15 percent of 80 and convert the result from km to miles", INFOS).steps
    done = completed(second, Result("15 / 100 * 80 is 12"))
    assert (done.arguments, done.missing) == ({"from_unit": "km", "to_unit": "miles", "value": 12}, ())


@pytest.mark.parametrize("task", ["tell me a joke", "hello", "", "sing a song", "who are you?", "?!"])
def test_nothing_is_done_where_nothing_fits(task: str) -> None:
    assert plan(task, INFOS).steps == ()


def test_a_part_that_fits_nothing_is_named() -> None:
    result = plan("find the agenda and sing me a song", INFOS[:3])
    assert result.steps[0].tool == "search_files"
    result = plan("find the agenda and play some music", INFOS[:3])
    assert ([step.tool for step in result.steps], result.unmatched) == (["search_files"], ("play some music",))


FOUND = Found(
    finding=Finding("in two files", sources=(Source("a", "src/a.py:3"), Source("b", "b.md:1")), delegation="s-1")
)


@pytest.mark.parametrize(
    ("task", "context", "arguments"),
    [
        ("read it", [FOUND], {"path": "src/a.py"}),
        ("open the first one", [FOUND], {"path": "src/a.py"}),
        ("open the second one please", [FOUND], {"path": "b.md"}),
        ("read the last one", [FOUND], {"path": "b.md"}),
        ("trains to Nice", [Said(text="trains from Paris to Lyon")], {"end": "Nice", "start": "Paris"}),
        ("search the files for it", [Assigned(task="find the word leases in the docs")], {"query": "leases"}),
        ("convert it from km to miles", [Found(finding=Finding("2+2 is 4"))],
         {"from_unit": "km", "to_unit": "miles", "value": 4}),
    ],
)  # fmt: skip
def test_the_conversation_supplies_what_the_task_leaves_out(
    task: str, context: list[Entry], arguments: dict[str, Any]
) -> None:
    (step,) = plan(task, INFOS, context=context).steps
    assert (dict(step.arguments), step.missing) == (arguments, ())
    assert step.assumed, "a guess is told, so that it can be corrected"


def test_the_conversation_is_no_source_of_wild_guesses() -> None:
    context = [Said(text="I want to find out more"), Said(text="my cat is from the shelter")]
    (step,) = plan("trains to Nice", INFOS, context=context).steps
    assert [slot.name for slot in step.missing] == ["start"]


def test_the_one_tool_that_was_chosen_is_used_whatever_the_words() -> None:
    lookup = ToolInfo("lookup", "Look something up.", {"properties": {"q": {"type": "string"}}, "required": ["q"]})
    (step,) = plan("the capital of France", [lookup], single=True).steps
    assert (step.tool, step.arguments) == ("lookup", {"q": "capital of France"})
    assert plan("the capital of France", [lookup]).steps == ()


def test_a_tool_without_parameters_needs_nothing() -> None:
    ping = ToolInfo("ping", "Ping the printer.")
    (step,) = plan("ping the printer please", [ping, *INFOS]).steps
    assert (step.tool, step.arguments, step.missing) == ("ping", {}, ())


BUNDLED: list[tuple[str, str, dict[str, Any]]] = [
    ("find where the ledger says superseded in the files", "search_files", {"query": "ledger says superseded"}),
    ("search orchestrator/ for assert_never", "search_files", {"query": "assert_never", "path": "orchestrator/"}),
    ("find barge-in in docs/", "search_files", {"query": "barge-in", "path": "docs/"}),
    ("list the files in orchestrator", "list_files", {"path": "orchestrator"}),
    ("what files are there in the tests folder", "list_files", {"path": "tests"}),
    ("list the files *.toml", "list_files", {"pattern": "*.toml"}),
    ("show me the first 20 lines of pyproject.toml", "read_file", {"path": "pyproject.toml", "lines": 20}),
    ("what is 12*3.5", "calculate", {"expression": "12*3.5"}),
    ("how many miles are in 12 km", "convert", {"value": 12, "unit_from": "km", "unit_to": "miles"}),
    ("what time is it in Tokyo", "current_time", {"zone": "Tokyo"}),
    ("what day is it today", "current_time", {}),
    ("how many days until 24 December?", "date_math", {"question": "how many days until 24 December"}),
    ("when is Easter 2027?", "date_math", {"question": "when is Easter 2027"}),
    ("next leap year", "date_math", {"question": "next leap year"}),
    ("third Thursday of November 2027", "date_math", {"question": "third Thursday of November 2027"}),
    ("what week is it", "date_math", {"question": "what week is it"}),
    ("how old is someone born 3 May 1990", "date_math", {"question": "how old is someone born 3 May 1990"}),
    ("what time is it in 90 minutes?", "date_math", {"question": "what time is it in 90 minutes"}),
    ("how many days are in February 2028?", "date_math", {"question": "how many days are in February 2028"}),
    (
        "15:00 in Tokyo as Paris time",
        "convert_time",
        {"time": "15:00", "zone_from": "Tokyo", "zone_to": "Paris"},
    ),
    (
        "when it is 3pm tomorrow in New York, what time is it in London?",
        "convert_time",
        {"time": "3pm", "zone_from": "New York", "zone_to": "London", "day": "tomorrow"},
    ),
    ("what time is it in Tokyo when it is 9am here?", "convert_time", {"time": "9am", "zone_to": "Tokyo"}),
    ("what is a 20% tip on 45.50?", "calculate", {"expression": "20 / 100 * 45.50"}),
    ("10% off 59.99", "calculate", {"expression": "59.99 * (100 - 10) / 100"}),
    ("what is the remainder of 17 divided by 5", "calculate", {"expression": "17 % 5"}),
    ("average of 3, 5 and 10", "calculate", {"expression": "(3 + 5 + 10) / 3"}),
    ("how many cups in a liter?", "convert", {"value": 1, "unit_from": "liter", "unit_to": "cups"}),
    ("6 feet 6 inches in cm", "convert", {"value": 6.5, "unit_from": "feet", "unit_to": "cm"}),
    ("how many minutes are in a day?", "convert", {"value": 1, "unit_from": "day", "unit_to": "minutes"}),
    ("what is 30 mpg in l/100km", "convert", {"value": 30, "unit_from": "mpg", "unit_to": "l/100km"}),
]


@pytest.mark.parametrize(("task", "tool", "arguments"), BUNDLED, ids=[task for task, _, _ in BUNDLED])
def test_the_tools_that_come_along(task: str, tool: str, arguments: dict[str, Any]) -> None:
    result = plan(task, [tool.info for tool in bundled(".")])
    assert [(step.tool, dict(step.arguments), step.missing) for step in result.steps] == [(tool, arguments, ())]


WEB: list[tuple[str, str, dict[str, Any]]] = [
    ("search the web for fast trains to Lyon", "web_search", {"query": "fast trains to Lyon"}),
    ("look up redis streams online", "web_search", {"query": "redis streams"}),
    ("google the tallest building", "web_search", {"query": "tallest building"}),
    ("do a web search for cats", "web_search", {"query": "cats"}),
    ("search the internet for what is new in Python", "web_search", {"query": "new in Python"}),
    ("read https://example.org/a/b?c=1", "fetch_page", {"url": "https://example.org/a/b?c=1"}),
    ("what does https://example.org/news.html say?", "fetch_page", {"url": "https://example.org/news.html"}),
    ("open www.example.org, please", "fetch_page", {"url": "www.example.org"}),
    ("search for barge-in in the docs", "search_files", {"query": "barge-in"}),
    ("search for barge-in", "search_files", {"query": "barge-in"}),
    ("find barge-in in docs/", "search_files", {"query": "barge-in", "path": "docs/"}),
    ("read README.md", "read_file", {"path": "README.md"}),
    ("what is 12*3.5", "calculate", {"expression": "12*3.5"}),
    ("what time is it in Tokyo", "current_time", {"zone": "Tokyo"}),
]


@pytest.mark.parametrize(("task", "tool", "arguments"), WEB, ids=[task for task, _, _ in WEB])
def test_the_web_beside_the_files(task: str, tool: str, arguments: dict[str, Any]) -> None:
    result = plan(task, [tool.info for tool in bundled(".", web=WebSettings())])
    assert [(step.tool, dict(step.arguments), step.missing) for step in result.steps] == [(tool, arguments, ())]


SCHEMAS: list[tuple[str, Mapping[str, Any], dict[str, Any]]] = [
    ("order 3 pizzas", {"count": {"type": "integer"}}, {"count": 3}),
    ("order for Ada", {"person": {"type": "string"}}, {"person": "Ada"}),
    ("order in dark red", {"color": {"enum": ["dark_red", "blue"]}}, {"color": "dark_red"}),
    ("order in blue", {"color": {"$ref": "#/$defs/Color"}}, {"color": "blue"}),
    ("order on 2026-11-23", {"day": {"type": "string", "format": "date"}}, {"day": "2026-11-23"}),
    ('order "a", "b"', {"x": {"type": "string"}, "y": {"type": "string"}}, {"x": "a", "y": "b"}),
    ("order size: large", {"size": {"type": "string"}}, {"size": "large"}),
    ("order 2.5 kilos", {"kilos": {"anyOf": [{"type": "number"}, {"type": "null"}]}}, {"kilos": 2.5}),
    ("order apples, pears and plums", {"items": {"type": "array", "items": {"type": "string"}}},
     {"items": ["apples", "pears", "plums"]}),
]  # fmt: skip


@pytest.mark.parametrize(("task", "properties", "arguments"), SCHEMAS, ids=[task for task, _, _ in SCHEMAS])
def test_parameters_are_filled_by_their_schema(
    task: str, properties: Mapping[str, Any], arguments: dict[str, Any]
) -> None:
    color = {"Color": {"enum": ["red", "blue"], "type": "string"}}
    schema = {"type": "object", "properties": properties, "required": list(properties), "$defs": color}
    (step,) = plan(task, [ToolInfo("order", "Order something.", schema)]).steps
    assert (dict(step.arguments), step.missing) == (arguments, ())


def test_a_structure_cannot_be_read_from_words() -> None:
    spec = {"type": "object", "properties": {"a": {"type": "string"}}}
    schema = {"properties": {"spec": spec}, "required": ["spec"]}
    (step,) = plan("order this", [ToolInfo("order", "Order something.", schema)]).steps
    assert [(slot.name, slot.kind) for slot in step.missing] == [("spec", "other")]


def test_a_date_in_words_does_not_fit_a_parameter_that_wants_figures() -> None:
    schema = {"properties": {"day": {"type": "string", "format": "date"}}, "required": ["day"]}
    (step,) = plan("order for tomorrow", [ToolInfo("order", "Order something.", schema)]).steps
    assert [slot.name for slot in step.missing] == ["day"]


def test_an_answer_completes_a_step() -> None:
    (step,) = plan("trains to Lyon", [trains.info]).steps
    assert step.missing[0].question == "What is the start?"
    assert answered(step, {"start": "Paris"}).call.arguments == {"end": "Lyon", "start": "Paris"}


def test_the_same_task_gives_the_same_plan() -> None:
    assert {repr(plan("find trains from A to B and 2+2", INFOS)) for _ in range(5)} == {
        repr(plan("find trains from A to B and 2+2", INFOS))
    }


@pytest.mark.parametrize("task", ["(" * 5_000, "find " + "a" * 100_000, "and " * 5_000, '"' * 5_000, "1+" * 5_000])
@pytest.mark.timeout(20)
def test_huge_and_broken_tasks_are_planned_too(task: str) -> None:
    assert len(plan(task, INFOS).steps) <= 1


@pytest.mark.parametrize(
    "task",
    ["9" * 2_000, "what time is it in " + "a " * 990, "when it is 3pm in " + "a in " * 390, "how many days " * 140,
     "average of " + "3, " * 600, "6 feet 2 " * 220, "what time " * 100 + "in 5 minutes " * 70],
    ids=["digits", "places", "routes", "questions", "numbers", "amounts", "moments"],
)  # fmt: skip
def test_planning_takes_no_longer_for_a_nasty_task(task: str) -> None:
    infos = [tool.info for tool in bundled(".")]
    before = time.process_time()
    plan(task, infos)
    # A row of digits took 3 seconds once, on the event loop.
    assert time.process_time() - before < 2.0
