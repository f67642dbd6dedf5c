"""What is said of results: short, whole sentences, honest about what is left out."""

from __future__ import annotations

import pytest

from background.models.planning import Step
from background.models.telling import Outcome, abilities, answer, beginning, nothing_fits, spoken
from orchestrator.finding import Source
from orchestrator.ports import Result, ToolInfo
from tests.background.models.kit import INFOS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("The answer is 4", "The answer is 4."),
        ("4", "4"),
        ("One line\nand another", "One line. and another."),
        ("", "There was nothing to say about it."),
    ],
)
def test_short_results_are_told_as_they_are(text: str, said: str) -> None:
    assert spoken(text) == said


def test_long_results_are_cut_at_sentences_and_say_so() -> None:
    said = spoken("\n".join(f"Line {number} of the file." for number in range(40)))
    assert said == "Line 0 of the file. Line 1 of the file. Line 2 of the file. There is more: 37 further lines."
    assert len(spoken("word " * 10_000)) < 400


def step(tool: str = "calculate", task: str = "calculate 2+2") -> Step:
    return Step(tool, task, {"expression": "2+2"})


def test_one_result_brings_its_sources_and_the_tools_own_value() -> None:
    source = Source("a file", "a.py:3")
    finding = answer([Outcome(step(), Result("It is 4", data={"n": 4}, sources=(source,)))], (), INFOS)
    assert (finding.kind, finding.text, finding.data, finding.sources) == ("final", "It is 4.", {"n": 4}, (source,))


def test_of_several_the_answer_says_what_worked_and_what_did_not() -> None:
    failed = Result("The disk is full.\nNothing was written.\nCall it again.", ok=False)
    outcomes = [Outcome(step(), Result("It is 4", data=4)), Outcome(step("write", "write it down"), failed)]
    finding = answer(outcomes, ["play music"], INFOS)
    assert finding.kind == "final"
    assert finding.text == (
        "It is 4. I could not do “write it down”: The disk is full. Nothing was written. "
        "For “play music” I have no tool."
    )
    assert finding.data is not None
    assert [item["value"] for item in finding.data["steps"]] == [4, None]


def test_when_nothing_worked_it_is_an_error() -> None:
    finding = answer([Outcome(step(task="what is 1/0?"), Result("Division by zero", ok=False))], (), INFOS)
    assert (finding.kind, finding.text) == ("error", "I could not answer “what is 1/0”: Division by zero.")


@pytest.mark.parametrize("data", [{"big": "x" * 20_000}, {"odd": object()}, None])
def test_what_is_no_freight_for_a_bus_stays_behind(data: object) -> None:
    finding = answer([Outcome(step(), Result("fine", data=data))], (), INFOS)
    assert (finding.text, finding.data) == ("fine", None)


def test_without_a_fitting_tool_it_says_what_it_can() -> None:
    finding = nothing_fits("sing a song", INFOS[1:3])
    assert finding.kind == "error"
    assert "“sing a song”" in finding.text
    assert "I can read a file of the project; or calculate an arithmetic expression." in finding.text
    assert "rules" in finding.text
    assert nothing_fits("sing", []).text == "I have no tools here, so I cannot do that."


def test_many_tools_are_not_all_listed() -> None:
    tools = [ToolInfo(f"tool_{number}", f"Do thing {number}. And more.") for number in range(10)]
    assert abilities(tools).endswith("; or 4 things more")
    assert abilities([ToolInfo("some_thing", "")]) == "use some thing"


def test_the_beginning_names_tool_and_arguments() -> None:
    assert beginning(Step("search_files", "", {"query": "ledger", "limit": 3})) == (
        "Using search files with query “ledger”, limit 3"
    )
