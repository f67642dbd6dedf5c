# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
"""What only LangGraph has: questions by interrupt, what nodes write, graphs that are made already."""

from __future__ import annotations

from typing import Any, cast

import pytest

from orchestrator.errors import ConfigError
from orchestrator.finding import Finding
from tests.background.office import an_office

pytest.importorskip("langgraph")
pytest.importorskip("langchain_openai")

from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.config import get_stream_writer
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt

from background.agents import LangGraphReasoner

pytestmark = pytest.mark.anyio


def graph(node: Any, **options: Any) -> Any:
    made = StateGraph(MessagesState)
    made.add_node("only_node", node)
    made.add_edge(START, "only_node")
    return made.compile(**options)


async def test_an_interrupt_asks_the_person() -> None:
    async def ask(state: MessagesState) -> dict[str, Any]:
        return {"messages": [AIMessage(f"A table for {interrupt('For how many?')}.")]}

    async with an_office(LangGraphReasoner(graph(ask, checkpointer=InMemorySaver()))) as office:
        await office.ask("book a table")
        question = await office.finding("question")
        await office.correct("two", answers=question.id)
        answer = await office.answer()
    assert (question.text, answer.text) == ("For how many?", "A table for two.")


async def test_a_correction_while_it_waits_for_an_answer() -> None:
    seen: list[list[str]] = []

    async def ask(state: MessagesState) -> dict[str, Any]:
        seen.append([message.text for message in state["messages"]])
        return {"messages": [AIMessage(f"A table for {interrupt('For how many?')}.")]}

    async with an_office(LangGraphReasoner(graph(ask, checkpointer=InMemorySaver()))) as office:
        await office.ask("book a table")
        first = await office.finding("question")
        await office.correct("make that tomorrow", revision=5)
        await office.correct("two", revision=6, answers=first.id)
        second = await office.finding("question")
        await office.correct("three", revision=7, answers=second.id)
        answer = await office.answer()
    assert seen[-1][-1] == "The task has changed: make that tomorrow"
    assert answer.text == "A table for three."


async def test_what_a_node_writes_and_which_it_is() -> None:
    async def write(state: MessagesState) -> dict[str, Any]:
        tell = get_stream_writer()
        tell("asking the archive")
        tell(Finding.partial("There are two."))
        return {"messages": [AIMessage("Two.")]}

    async with an_office(LangGraphReasoner(graph(write))) as office:
        await office.ask("how many")
        answer = await office.answer()
    assert answer.text == "Two."
    assert office.told("progress") == ["Step: only node", "asking the archive"]
    assert office.told("partial") == ["There are two."]


async def test_a_graph_that_goes_in_circles() -> None:
    async def again(state: MessagesState) -> dict[str, Any]:
        return {"messages": [AIMessage("again")]}

    made = StateGraph(MessagesState)
    made.add_node("again", again)
    made.add_edge(START, "again")
    made.add_edge("again", "again")
    async with an_office(LangGraphReasoner(made.compile().with_config(recursion_limit=5))) as office:
        await office.ask("go")
        answer = await office.answer()
    assert answer.text == "I could not finish that: it went round in circles and was stopped."


def test_a_graph_must_be_compiled() -> None:
    with pytest.raises(ConfigError, match="compile"):
        LangGraphReasoner(cast(Any, StateGraph(MessagesState)))
