"""Agents that were written with another SDK, as reasoners.

One room for each: `pydantic_ai`, `openai_agents`, `langgraph`. Each is loaded, and its SDK with it, when it is first
used. What they share: `briefing` (a task as messages), `handing` (the desk's tools for an agent of another make),
`narrating` (what streams becomes findings), `outcome`, `sentences`, `shelter`, `troubles`.

No `__all__`: each of the names is there only where its extra is installed.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from orchestrator.errors import ConfigError

if TYPE_CHECKING:
    from background.agents.langgraph import LangGraphReasoner as LangGraphReasoner
    from background.agents.openai_agents import AgentsSDKReasoner as AgentsSDKReasoner
    from background.agents.pydantic_ai import PydanticAIReasoner as PydanticAIReasoner

_HOME = {
    "AgentsSDKReasoner": ("openai_agents", "agents", "agents"),
    "LangGraphReasoner": ("langgraph", "langgraph", "langgraph"),
    "PydanticAIReasoner": ("pydantic_ai", "pydantic_ai", "pydantic-ai"),
}
"""By name: the room, the package it needs, the extra that installs it."""


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room, package, extra = home
    try:
        return getattr(import_module(f"{__name__}.{room}"), name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in {package, "langchain_core"}:
            raise
        raise ConfigError(
            f"{name} cannot be used here",
            f"the package {error.name!r} is not installed",
            f"pip install 'duologue[{extra}]'",
        ) from error
