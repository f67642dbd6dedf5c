"""An agent of pydantic-ai as a reasoner."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import Any, Final

from pydantic_ai import Agent
from pydantic_ai.agent import AbstractAgent
from pydantic_ai.messages import (
    AgentStreamEvent,
    FunctionToolCallEvent,
    ModelMessage,
    ModelRequest,
    ModelResponse,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    UserPromptPart,
)
from pydantic_ai.run import AgentRunResult
from pydantic_ai.tools import Tool
from pydantic_ai.toolsets import FunctionToolset
from pydantic_ai.usage import RunUsage
from pydantic_graph import End

from background.agents.briefing import Turn, briefing, correction
from background.agents.handing import HandedTool, Hands
from background.agents.narrating import Narration
from background.agents.outcome import Say, Spent, outcome
from background.agents.troubles import or_trouble
from orchestrator.bundle import Bundle
from orchestrator.finding import Finding
from orchestrator.ports import Desk

__all__ = ["PydanticAIReasoner", "native_tool"]

MOST_CORRECTIONS: Final = 20
"""How often an answer is thrown away for a correction that came with it."""


class PydanticAIReasoner:
    """Runs the agent once a task. May serve any number of tasks at once, as the agent may.

    Args:
        agent: With tools of its own; those of the desk are given to it besides.
        deps: Makes the agent's dependencies for a task; tools that are to ask or tell the person get the desk here.
        partials: Whether sentences of an answer in plain text are told while the rest is still written. What the
            person has heard of them they are not told again with the answer.
        questions: Whether the agent gets a tool with which it asks the person.
        say: How a structured output is told; without it, see `background.answering.spoken`.

    The person's corrections are told to the model before its next call. One that comes with the answer sends it back to
    the model; no tool runs again for it.
    """

    def __init__(
        self,
        agent: AbstractAgent[Any, Any],
        *,
        deps: Callable[[Bundle, Desk], Any] | None = None,
        partials: bool = False,
        questions: bool = False,
        say: Say | None = None,
    ) -> None:
        self._agent = agent
        self._deps = deps
        self._partials = partials and agent.output_type is str
        self._questions = questions
        self._say = say

    async def run(self, bundle: Bundle, desk: Desk) -> AsyncIterator[Finding]:
        """Work on the task; what happens on the way goes out over the desk."""
        yield await or_trouble(self._work(bundle, desk))

    async def _work(self, bundle: Bundle, desk: Desk) -> Finding:
        hands = Hands(desk, questions=self._questions)
        toolset = FunctionToolset[Any]([native_tool(tool) for tool in hands.tools])
        *before, task = briefing(bundle)
        prompt, history = task.text, [_message(turn) for turn in before]
        deps = None if self._deps is None else self._deps(bundle, desk)
        usage = RunUsage()
        for _ in range(MOST_CORRECTIONS):
            result = await self._once(prompt, history, desk, deps=deps, toolsets=[toolset], usage=usage)
            prompt = correction(desk.amendments())
            if not prompt:
                break
            history = result.all_messages()
        else:
            return Finding.error("I could not finish that: it changed too often while I worked on it.")
        spent = Spent(usage.requests, usage.input_tokens, usage.output_tokens, usage.cache_read_tokens)
        return outcome(result.output, hands, spent, self._say)

    async def _once(self, prompt: str, history: list[ModelMessage], desk: Desk, **given: Any) -> AgentRunResult[Any]:
        narration = Narration(desk, partials=self._partials)
        async with self._agent.iter(prompt, message_history=history, **given) as run:
            node = run.next_node
            while not isinstance(node, End):
                changed = correction(desk.amendments())
                if changed:
                    run.enqueue(changed)
                if Agent.is_model_request_node(node):
                    async with node.stream(run.ctx) as events:
                        await _tell(events, narration)
                    narration.answered()
                elif Agent.is_call_tools_node(node):
                    async with node.stream(run.ctx) as events:
                        await _tell(events, narration)
                node = await run.next(node)
            result = run.result
        if result is None:
            raise RuntimeError("the run of a pydantic-ai agent has ended without a result")
        return result


def native_tool(tool: HandedTool) -> Tool[Any]:
    """A tool of the desk as one of pydantic-ai."""

    async def call(**arguments: Any) -> str:
        return await tool.use(arguments)

    return Tool[Any].from_schema(call, tool.name, tool.description, tool.schema)


async def _tell(events: AsyncIterable[AgentStreamEvent], narration: Narration) -> None:
    async for event in events:
        match event:
            case PartStartEvent(part=TextPart(content=text)) | PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
                await narration.text(text)
            case FunctionToolCallEvent(part=part):
                await narration.tool(part.tool_name, part.args)
            case _:
                pass


def _message(turn: Turn) -> ModelMessage:
    if turn.role == "user":
        return ModelRequest([UserPromptPart(turn.text)])
    return ModelResponse([TextPart(turn.text)])
