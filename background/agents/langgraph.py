"""A graph of LangGraph as a reasoner."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, Final, Protocol, cast

import anyio.to_thread
from langchain_core.messages import AIMessage, AIMessageChunk, AnyMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.types import Command, Interrupt

from background.agents.briefing import Turn, briefing, correction
from background.agents.handing import HandedTool, Hands
from background.agents.narrating import Narration
from background.agents.outcome import Say, Spent, outcome
from background.agents.shelter import sheltered
from background.agents.troubles import or_trouble
from orchestrator.bundle import Bundle
from orchestrator.errors import ConfigError
from orchestrator.finding import Finding
from orchestrator.ports import Desk

__all__ = ["Build", "Graph", "LangGraphReasoner", "native_tool"]


class Graph(Protocol):
    """What is needed of a compiled graph."""

    def astream(
        self,
        input: Any,  # noqa: A002
        config: RunnableConfig | None = None,
        *,
        context: Any = None,
        stream_mode: Any = None,
        subgraphs: bool = False,
    ) -> AsyncIterator[Any]:
        """Run it, and yield what happens."""
        ...


Build = Callable[[Sequence[BaseTool]], Graph]
"""Makes a compiled graph with the desk's tools, anew for each task: a compiled graph takes no more tools. It is
called in a thread."""

MOST_RUNS: Final = 20
"""How often a graph is begun again for a correction, or goes on after a question."""


class LangGraphReasoner:
    """Runs a graph once a task. Its state needs `messages`, as in `MessagesState`.

    Args:
        graph: A compiled graph, or a function that makes one of the desk's tools.
        speaks: The nodes whose text is the answer: its sentences are told while the rest is still written. What the
            person has heard of them they are not told again with the answer.
        context: Makes the run's context for a task (`context_schema`); nodes that ask or tell the person get the desk.
        questions: Whether the desk's tools have one with which the model asks the person.
        output: What of the last state is the answer. Without it: `structured_response`, where there is one, else the
            text of the last message.
        say: How a structured answer is told; without it, see `background.answering.spoken`.

    A correction breaks the graph off between two steps, where every tool call has its result, and begins it again with
    its messages so far and the correction: no tool call that is answered is made again. `interrupt(question)` in a node
    asks the person, where the graph has a checkpointer.
    """

    def __init__(
        self,
        graph: Graph | Build,
        *,
        speaks: Collection[str] = (),
        context: Callable[[Bundle, Desk], Any] | None = None,
        questions: bool = False,
        output: Callable[[Mapping[str, Any]], Any] | None = None,
        say: Say | None = None,
    ) -> None:
        if not hasattr(graph, "astream") and (not callable(graph) or isinstance(graph, type)):
            raise ConfigError(
                f"a {type(graph).__name__} is no graph that can run",
                "it is neither compiled nor a function that makes a compiled one",
                "pass `builder.compile()`, or a function of the tools that returns it",
            )
        self._graph = graph
        self._speaks = frozenset(speaks)
        self._context = context
        self._questions = questions
        self._output = output or _answer
        self._say = say

    async def run(self, bundle: Bundle, desk: Desk) -> AsyncIterator[Finding]:
        """Work on the task; what happens on the way goes out over the desk."""
        yield await or_trouble(self._work(bundle, desk))

    async def _work(self, bundle: Bundle, desk: Desk) -> Finding:
        hands = Hands(desk, questions=self._questions)
        graph = self._graph
        if not hasattr(graph, "astream"):
            # Who builds a graph makes a client, and that looks for certificates in files.
            tools = [native_tool(tool) for tool in hands.tools]
            graph = await anyio.to_thread.run_sync(cast(Build, graph), tools)
        graph = cast(Graph, graph)
        context = None if self._context is None else self._context(bundle, desk)
        spent = Spent()
        given: Any = {"messages": [_message(turn) for turn in briefing(bundle)]}
        thread = _thread(bundle)
        changed = ""
        for _ in range(MOST_RUNS):
            run = _Run(desk, Narration(desk, partials=True), self._speaks, spent)
            changed = await sheltered(partial(run.follow, graph, given, thread, context, changed))
            if run.interrupts:
                given = await _answered(run.interrupts, desk)
            elif changed:
                given, thread = {"messages": [*run.messages, HumanMessage(changed)]}, _thread(bundle)
                changed = ""
            else:
                return outcome(self._output(run.state), hands, spent, self._say)
        return Finding.error("I could not finish that: it changed too often while I worked on it.")


def native_tool(tool: HandedTool) -> BaseTool:
    """A tool of the desk as one of LangChain."""

    async def call(**arguments: Any) -> str:
        return await tool.use(arguments)

    return StructuredTool(name=tool.name, description=tool.description, args_schema=tool.schema, coroutine=call)


class _Run:
    """One run of a graph, from its input to its end, or to where it was broken off."""

    def __init__(self, desk: Desk, narration: Narration, speaks: frozenset[str], spent: Spent) -> None:
        self._desk = desk
        self._narration = narration
        self._speaks = speaks
        self._spent = spent
        self.state: Mapping[str, Any] = {}
        """The newest whole state."""
        self.interrupts: tuple[Interrupt, ...] = ()
        """What the graph waits for, where it has stopped to ask."""

    @property
    def messages(self) -> list[AnyMessage]:
        return list(self.state.get("messages") or ())

    async def follow(self, graph: Graph, given: Any, config: RunnableConfig, context: Any, changed: str) -> str:
        """Run it. Returns the correction that it must begin again with; empty when it is done. `changed` is one that
        it does not know yet."""
        modes = ["tasks", "updates", "messages", "custom", "values"]
        # It is an async generator, which the types of the SDK do not say.
        stream: Any = graph.astream(given, config, context=context, stream_mode=modes, subgraphs=True)
        async with aclosing(stream):
            async for inside, mode, data in stream:
                if mode == "values" and not inside:
                    self.state = data
                    changed = "\n".join(filter(None, [changed, correction(self._desk.amendments())]))
                    if changed and _complete(self.messages):
                        return changed
                else:
                    await self._tell(mode, data)
        return "\n".join(filter(None, [changed, correction(self._desk.amendments())]))

    async def _tell(self, mode: str, data: Any) -> None:
        match mode:
            case "tasks" if "input" in data:
                await self._narration.progress(f"Step: {str(data['name']).replace('_', ' ')}")
            case "updates":
                for node, update in data.items():
                    if node == "__interrupt__":
                        self.interrupts = tuple(update)
                    else:
                        await self._updated(update)
            case "messages":
                piece, about = data
                if isinstance(piece, AIMessageChunk) and about.get("langgraph_node") in self._speaks:
                    await self._narration.text(piece.text)
            case "custom":
                if isinstance(data, Finding):
                    await self._desk.publish(data)
                elif isinstance(data, str):
                    await self._narration.progress(data)
            case _:
                pass

    async def _updated(self, update: Any) -> None:
        new: Any = cast("dict[str, Any]", update).get("messages") or [] if isinstance(update, dict) else []
        for message in cast("list[object]", new) if isinstance(new, list) else [new]:
            if isinstance(message, AIMessage):
                usage = message.usage_metadata
                if usage is not None:
                    cached = usage.get("input_token_details", {}).get("cache_read", 0)
                    tokens = {"input": usage["input_tokens"], "output": usage["output_tokens"], "cached": cached}
                    self._spent.add(calls=1, **tokens)
                for call in message.tool_calls:
                    await self._narration.tool(call["name"], call["args"])
                self._narration.answered()


def _complete(messages: Sequence[AnyMessage]) -> bool:
    """Whether every tool call has its result, so that something else may be said."""
    answered = {message.tool_call_id for message in messages if isinstance(message, ToolMessage)}
    asked = {call["id"] for message in messages if isinstance(message, AIMessage) for call in message.tool_calls}
    return asked <= answered


def _answer(state: Mapping[str, Any]) -> Any:
    structured = state.get("structured_response")
    if structured is not None:
        return structured
    messages = state.get("messages")
    if not messages:
        return {name: value for name, value in state.items() if name != "messages"} or ""
    return messages[-1].text


async def _answered(interrupts: tuple[Interrupt, ...], desk: Desk) -> Command[Any]:
    """Ask the person what the graph has stopped for, one after another."""
    answers: dict[str, str] = {}
    for interrupt in interrupts:
        value: Any = interrupt.value
        question: Any = cast("dict[str, Any]", value).get("question", value) if isinstance(value, dict) else value
        answers[interrupt.id] = await desk.ask(str(question))
    return Command(resume=answers)


def _thread(bundle: Bundle) -> RunnableConfig:
    # A thread of its own for each beginning: a checkpointer would else add the new messages to the old ones.
    return {"configurable": {"thread_id": f"{bundle.id}.{secrets.token_hex(4)}"}}


def _message(turn: Turn) -> AnyMessage:
    return HumanMessage(turn.text) if turn.role == "user" else AIMessage(turn.text)
