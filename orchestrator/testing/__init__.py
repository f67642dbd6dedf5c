"""For tests of whatever is built with Duologue or plugged into it: doubles, virtual time, conformance checks.

`Conversation` is a whole conversation as a test; `ModelServer` plays a language model over real HTTP,
`ScriptedCompletions` plays one without a server;
`play` drives a bare session with events and instants; `run_virtual` runs a whole assistant on a clock that jumps;
`check_bus`, `check_store`, `check_tool` and `check_timing_policy` try an implementation of a port; `forbid_model_calls`
forbids to call a real model. Loaded when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.clock import ManualClock
    from orchestrator.completions.switch import forbid_model_calls
    from orchestrator.testing.bus_checks import BusHarness, check_bus
    from orchestrator.testing.conversation import Conversation
    from orchestrator.testing.model_replies import Hang, Raw, Refuse, Reply, When
    from orchestrator.testing.model_server import Asked, ModelServer
    from orchestrator.testing.playing import plain_voice, play, silent_voice
    from orchestrator.testing.policy_checks import check_timing_policy
    from orchestrator.testing.scripted_completions import ScriptedCompletions
    from orchestrator.testing.scripted_tool import ScriptedTool
    from orchestrator.testing.store_checks import StoreHarness, check_store
    from orchestrator.testing.tool_checks import AloneContext, check_tool, check_toolbox
    from orchestrator.testing.virtual import run_virtual

__all__ = [
    "AloneContext",
    "Asked",
    "BusHarness",
    "Conversation",
    "Hang",
    "ManualClock",
    "ModelServer",
    "Raw",
    "Refuse",
    "Reply",
    "ScriptedCompletions",
    "ScriptedTool",
    "StoreHarness",
    "When",
    "check_bus",
    "check_store",
    "check_timing_policy",
    "check_tool",
    "check_toolbox",
    "forbid_model_calls",
    "plain_voice",
    "play",
    "run_virtual",
    "silent_voice",
]

_HOME = {
    "AloneContext": "testing.tool_checks",
    "Asked": "testing.model_server",
    "BusHarness": "testing.bus_checks",
    "Conversation": "testing.conversation",
    "Hang": "testing.model_replies",
    "ManualClock": "clock",
    "ModelServer": "testing.model_server",
    "Raw": "testing.model_replies",
    "Refuse": "testing.model_replies",
    "Reply": "testing.model_replies",
    "ScriptedCompletions": "testing.scripted_completions",
    "ScriptedTool": "testing.scripted_tool",
    "StoreHarness": "testing.store_checks",
    "When": "testing.model_replies",
    "check_bus": "testing.bus_checks",
    "check_store": "testing.store_checks",
    "check_timing_policy": "testing.policy_checks",
    "check_tool": "testing.tool_checks",
    "check_toolbox": "testing.tool_checks",
    "forbid_model_calls": "completions.switch",
    "plain_voice": "testing.playing",
    "play": "testing.playing",
    "run_virtual": "testing.virtual",
    "silent_voice": "testing.playing",
}


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"orchestrator.{home}"), name)
