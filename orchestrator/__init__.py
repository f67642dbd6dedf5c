"""Duologue: a person and an assistant talk at the same time, while a colleague in the background looks things up.

    from orchestrator import Assistant, tool

    @tool
    async def trains(start: str, end: str):
        ...

    Assistant(tools=[trains]).run()

Everything here is loaded when it is first used, so that importing one name does not cost the others.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from orchestrator.version import __version__

if TYPE_CHECKING:
    from orchestrator.assistant import Assistant, Specialist
    from orchestrator.bundle import Bundle
    from orchestrator.config import SessionConfig
    from orchestrator.decisions import Drop, Hold, Splice
    from orchestrator.effects import Emit, LedgerChanged, StopSpeaking
    from orchestrator.errors import DuologueError, ToolFailed, ToolRetry
    from orchestrator.finding import Finding, Source
    from orchestrator.function_tool import tool
    from orchestrator.guards import guarded
    from orchestrator.ports import Desk, Result, SyncToolContext, ToolCall, ToolContext
    from orchestrator.resources import resource
    from orchestrator.talk import Talk
    from orchestrator.timing import TimingPolicy, default_policy
    from orchestrator.toolbox import Toolbox

__all__ = [
    "Assistant",
    "Bundle",
    "Desk",
    "Drop",
    "DuologueError",
    "Emit",
    "Finding",
    "Hold",
    "LedgerChanged",
    "Result",
    "SessionConfig",
    "Source",
    "Specialist",
    "Splice",
    "StopSpeaking",
    "SyncToolContext",
    "Talk",
    "TimingPolicy",
    "ToolCall",
    "ToolContext",
    "ToolFailed",
    "ToolRetry",
    "Toolbox",
    "__version__",
    "default_policy",
    "guarded",
    "resource",
    "tool",
]

_HOME = {
    "Assistant": "assistant",
    "Bundle": "bundle",
    "Desk": "ports",
    "Drop": "decisions",
    "DuologueError": "errors",
    "Emit": "effects",
    "Finding": "finding",
    "Hold": "decisions",
    "LedgerChanged": "effects",
    "Result": "ports",
    "SessionConfig": "config",
    "Source": "finding",
    "Specialist": "assistant",
    "Splice": "decisions",
    "StopSpeaking": "effects",
    "SyncToolContext": "ports",
    "Talk": "talk",
    "TimingPolicy": "timing",
    "ToolCall": "ports",
    "ToolContext": "ports",
    "ToolFailed": "errors",
    "ToolRetry": "errors",
    "Toolbox": "toolbox",
    "default_policy": "timing",
    "guarded": "guards",
    "resource": "resources",
    "tool": "function_tool",
}


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
