"""An agent of the OpenAI Agents SDK as a reasoner."""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any, Final, cast

import anyio
import anyio.to_thread
from agents import (
    Agent,
    FunctionTool,
    RunConfig,
    Runner,
    RunResultStreaming,
    RunState,
    StreamEvent,
    TResponseInputItem,
)
from agents.items import ToolApprovalItem
from agents.run import CallModelData, ModelInputData
from agents.tool_context import ToolContext
from agents.tracing import get_trace_provider

from background.agents.briefing import briefing, correction
from background.agents.handing import HandedTool, Hands
from background.agents.narrating import Narration
from background.agents.outcome import Say, Spent, outcome
from background.agents.troubles import or_trouble
from background.record import said_with
from orchestrator.bundle import Bundle
from orchestrator.finding import Finding
from orchestrator.ports import Desk

__all__ = ["AgentsSDKReasoner", "native_tool"]

MOST_RUNS: Final = 20
"""How often it goes on after an answer to what the person has corrected since, or after a tool that wanted leave."""

CLOSING_S: Final = 5.0
"""How long a run that is broken off may take to let go of what it holds."""


class AgentsSDKReasoner:
    """Runs the agent once a task. May serve any number of tasks at once, as the agent may.

    Args:
        agent: With tools and handoffs of its own; the tools of the desk are given to it besides (not to those it hands
            over to).
        context: Makes the run's context for a task; tools that are to ask or tell the person get the desk here.
        run_config: How to run it. Without it, tracing is off: the SDK would send its traces to OpenAI.
        partials: Whether sentences of an answer in plain text are told while the rest is still written. What the
            person has heard of them they are not told again with the answer.
        questions: Whether the agent gets a tool with which it asks the person.
        say: How a structured output is told; without it, see `background.answering.spoken`.
        max_turns: Model calls of one run.

    The person's corrections are told to the model before its next call. One that comes with the answer sends it back to
    the model; no tool runs again for it. A tool with `needs_approval` asks the person.
    """

    def __init__(
        self,
        agent: Agent[Any],
        *,
        context: Callable[[Bundle, Desk], Any] | None = None,
        run_config: RunConfig | None = None,
        partials: bool = False,
        questions: bool = False,
        say: Say | None = None,
        max_turns: int = 10,
    ) -> None:
        self._agent = agent
        self._context = context
        self._config = run_config or RunConfig(tracing_disabled=True)
        self._partials = partials
        self._questions = questions
        self._say = say
        self._max_turns = max_turns

    async def run(self, bundle: Bundle, desk: Desk) -> AsyncIterator[Finding]:
        """Work on the task; what happens on the way goes out over the desk."""
        yield await or_trouble(self._work(bundle, desk))

    async def _work(self, bundle: Bundle, desk: Desk) -> Finding:
        hands = Hands(desk, questions=self._questions)
        agent = self._agent.clone(tools=[*self._agent.tools, *(native_tool(tool) for tool in hands.tools)])
        steering = _Steering(desk, self._config)
        context = None if self._context is None else self._context(bundle, desk)
        given: list[TResponseInputItem] | RunState[Any] = [_item(turn.role, turn.text) for turn in briefing(bundle)]
        spent = Spent()
        # The first run of a process makes a client for traces, also where none are sent; that looks for certificates in
        # files.
        await anyio.to_thread.run_sync(get_trace_provider)
        for _ in range(MOST_RUNS):
            result = Runner.run_streamed(
                agent, given, context=context, max_turns=self._max_turns, run_config=steering.config
            )
            await self._follow(result, desk)
            if result.interruptions:
                given = await _with_leave(result, desk)
                continue
            usage = result.context_wrapper.usage
            spent.add(
                calls=usage.requests,
                input=usage.input_tokens,
                output=usage.output_tokens,
                cached=usage.input_tokens_details.cached_tokens or 0,
            )
            changed = correction(desk.amendments())
            if not changed:
                break
            given = [*steering.steered(result.to_input_list()), _item("user", changed)]
            steering.begin_again()
            if result.last_agent.name != agent.name:
                agent = result.last_agent
        else:
            return Finding.error("I could not finish that: it changed too often while I worked on it.")
        return outcome(result.final_output, hands, spent, self._say)

    async def _follow(self, result: RunResultStreaming, desk: Desk) -> None:
        narration = Narration(desk, partials=self._partials)
        teller = _Teller(narration, result.current_agent)
        try:
            async for event in result.stream_events():
                await teller.tell(event)
        finally:
            if not result.is_complete:
                await _break_off(result)


def native_tool(tool: HandedTool) -> FunctionTool:
    """A tool of the desk as one of the Agents SDK."""

    async def call(_: ToolContext[Any], arguments: str) -> str:
        return await tool.use(arguments)

    return FunctionTool(tool.name, tool.description, tool.schema, call, strict_json_schema=False)


class _Steering:
    """Puts corrections into the input of the next model call, and of all that follow, always at the same place: the
    SDK does not keep what its filter adds, and a prompt that only grows is cheap."""

    def __init__(self, desk: Desk, config: RunConfig) -> None:
        self._desk = desk
        self._own = config.call_model_input_filter
        self._added: list[tuple[int, TResponseInputItem]] = []
        self.config: RunConfig = dataclasses.replace(config, call_model_input_filter=self._filter)

    def begin_again(self) -> None:
        """The input holds by now what was added."""
        self._added.clear()

    def steered(self, items: list[TResponseInputItem]) -> list[TResponseInputItem]:
        """`items` with all that was added, each where it was first told."""
        steered = list(items)
        for moved, (place, item) in enumerate(self._added):
            steered.insert(place + moved, item)
        return steered

    async def _filter(self, data: CallModelData[Any]) -> ModelInputData:
        asked = data.model_data
        if self._own is not None:
            own = self._own(data)
            asked = await own if inspect.isawaitable(own) else own
        changed = correction(self._desk.amendments())
        if changed:
            self._added.append((len(asked.input), _item("user", changed)))
        return ModelInputData(self.steered(asked.input), asked.instructions)


class _Teller:
    """Tells what streams from one run."""

    def __init__(self, narration: Narration, agent: Agent[Any]) -> None:
        self._narration = narration
        self._agent = agent

    async def tell(self, event: StreamEvent) -> None:
        """One event of the SDK."""
        match event.type:
            case "raw_response_event":
                await self._raw(event.data)
            case "run_item_stream_event":
                if event.name == "tool_called":
                    raw = event.item.raw_item
                    name = _of(raw, "name") or str(_of(raw, "type") or "a tool").removesuffix("_call")
                    arguments = _of(raw, "arguments")
                    await self._narration.tool(str(name), arguments if isinstance(arguments, str) else None)
            case "agent_updated_stream_event":
                if event.new_agent.name != self._agent.name:
                    await self._narration.progress(f"Handing over to {event.new_agent.name}")
                self._agent = event.new_agent

    async def _raw(self, data: Any) -> None:
        plain = self._agent.output_type in (None, str)
        if data.type == "response.output_text.delta" and plain:
            await self._narration.text(data.delta)


async def _with_leave(result: RunResultStreaming, desk: Desk) -> RunState[Any]:
    """Ask the person about each tool that waits for leave."""
    state = result.to_state()
    for item in result.interruptions:
        if await desk.approve(item.name or "a tool", f"May I {_asked(item)}?"):
            state.approve(item)
        else:
            state.reject(item)
    return state


def _asked(item: ToolApprovalItem) -> str:
    try:
        arguments: Any = json.loads(str(_of(item.raw_item, "arguments") or "{}"))
    except ValueError:
        arguments = None
    details = said_with(cast("dict[str, object]", arguments)) if isinstance(arguments, dict) else ""
    return f"run {item.name or 'a tool'}{f' with {details}' if details else ''}"


async def _break_off(result: RunResultStreaming) -> None:
    """Stop it and wait until it has let go: its model request is closed then."""
    with anyio.CancelScope(shield=True), anyio.move_on_after(CLOSING_S), suppress(Exception):
        result.cancel()
        async for _ in result.stream_events():
            pass


def _item(role: str, text: str) -> TResponseInputItem:
    return cast(TResponseInputItem, {"role": role, "content": text})


def _of(raw: Any, name: str) -> Any:
    """Items of the SDK are mappings or objects."""
    return cast("dict[str, Any]", raw).get(name) if isinstance(raw, dict) else getattr(raw, name, None)
