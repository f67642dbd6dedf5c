"""What is compared, and how an answer is found: by running it where that is possible, else by naming where it stands.

A probe is run with the packages of one framework installed, and prints a JSON object: row by row `[answer, evidence]`.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.metadata
import json
import sys
import threading
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

ROWS = {
    "callable": "A decorated function stays callable as it was",
    "thread": "A sync tool does not block the event loop",
    "constraints": "`Annotated[int, Field(ge=1)]` is in the schema",
    "docstring": "A Google docstring describes the arguments",
    "definition": "A parameter without annotation, `*args`, or a docstring argument that does not exist is refused when decorated, with file and line",
    "stream": "A generator's yields are told while it runs",
    "progress": "Progress through a context",
    "timeout": "A time-out per tool",
    "idle": "A longest silence per tool",
    "cancel": "Cancelling the call reaches an async tool",
    "token": "A sync tool can see that nobody waits any more",
    "retries": "Retries with pauses, per tool",
    "retry_signal": "An exception by which the model may mend its call",
    "bug": "The text of an unexpected exception is kept from the model",
    "cap": "A long output is cut, and can be read on",
    "concurrency": "A number of calls at once, per tool",
    "durable": "After a crash, a call that may not run twice does not",
    "duplicates": "The same call twice in one task can run once",
    "ask": "A running tool asks the person, and goes on with the answer",
    "approval": "A tool that needs approval",
    "speech": "Approval out of what a person says freely; silence is a no",
    "dynamic": "Tools that change while a session goes on",
    "filter": "Groups with prefixes and filters",
    "resources": "What tools share is opened once and closed in order",
    "mcp_client": "Tools of MCP servers",
    "mcp_server": "Tools served as an MCP server",
    "taint": "Text of strangers is framed, and side effects then wait for the person",
    "cli": "A tool run from the command line, without a model",
    "conformance": "A conformance suite for your own tools",
    "heard": "Whether the person has heard a result is known",
    "rich": "Images and files as results",
    "guardrails": "Checks before and after each tool, as plug-ins",
    "suspended": "An approval that waits for days: the run is serialised, and resumed elsewhere",
    "search": "Tools found by the model when needed, out of very many",
    "prepare": "Tools offered or changed per step, by a function",
    "hosted": "Tools that the model's maker runs (search, code)",
    "telemetry": "OpenTelemetry spans of each call",
    "login": "OAuth and keys of a person, for a tool",
}


class Probe:
    """Collects answers. `yes`, `no`, `partly`; each with what shows it."""

    def __init__(self, name: str, package: str) -> None:
        self.name = name
        self.package = package
        self.answers: dict[str, tuple[str, str]] = {}
        warnings.simplefilter("ignore")

    def says(self, row: str, answer: str, evidence: str) -> None:
        assert row in ROWS, row
        assert answer in ("yes", "no", "partly"), answer
        self.answers[row] = (answer, evidence)

    def ran(self, row: str, holds: bool, evidence: str, otherwise: str = "") -> None:
        """Something was run."""
        self.says(row, "yes" if holds else "no", f"run: {evidence if holds else otherwise or 'it does not'}")

    def there(self, row: str, *places: str, answer: str = "yes", note: str = "") -> None:
        """It stands in the package at each of `places` (`module:name.name`), which is checked."""
        for place in places:
            module, _, path = place.partition(":")
            found: Any = importlib.import_module(module)
            for part in filter(None, path.split(".")):
                found = getattr(found, part)
        self.says(row, answer, f"`{places[0].replace(':', '.')}`{': ' + note if note else ''}")

    def absent(self, row: str, why: str) -> None:
        """It was looked for and not found; a reader may know better."""
        self.says(row, "no", why)

    def print(self) -> None:
        missing = [row for row in ROWS if row not in self.answers]
        assert not missing, f"no answer to {missing}"
        version = importlib.metadata.version(self.package)
        told = {"name": self.name, "package": self.package, "version": version, "rows": self.answers}
        sys.stdout.write(json.dumps(told, indent=1) + "\n")


def loop_thread() -> int:
    return threading.get_ident()


async def cancelled(call: Callable[[], Awaitable[Any]], began: asyncio.Event, ended: list[str]) -> bool:
    """Whether a call that has begun is ended from within when the one who waits is cancelled."""
    task = asyncio.ensure_future(call())
    await asyncio.wait_for(began.wait(), 10)
    task.cancel()
    try:
        await task
    except BaseException:
        pass
    await asyncio.sleep(0.05)
    return ended == ["cancelled"]
