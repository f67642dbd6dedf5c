"""A reasoner that follows a script. For tests of whatever stands around a reasoner; nothing here thinks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TypeAlias

import anyio
import msgspec

from orchestrator.bundle import Amendment, Bundle
from orchestrator.errors import ModelError
from orchestrator.finding import Finding
from orchestrator.ports import Desk, Result, ToolCall

__all__ = ["Ask", "AwaitCorrection", "ScriptedReasoner", "Step"]


class Ask(msgspec.Struct, frozen=True):
    """Put a question to the person; the answer goes to `ScriptedReasoner.answers`."""

    question: str


class AwaitCorrection(msgspec.Struct, frozen=True):
    """Wait for a correction and read it; what was read goes to `ScriptedReasoner.amendments`."""


Step: TypeAlias = Finding | ToolCall | Ask | AwaitCorrection | anyio.Event | Exception
"""A finding is yielded, a call made (its result goes to `results`), an event waited for, an exception raised."""


class ScriptedReasoner:
    """Plays one script a task, in the order in which tasks come.

    >>> reasoner = ScriptedReasoner([Finding.progress("looking"), Finding.final("found")])
    """

    def __init__(self, *scripts: Sequence[Step]) -> None:
        self._scripts = [list(script) for script in scripts]
        self._unplayed = sum(len(script) for script in self._scripts)
        self._begun = 0
        self.bundles: list[Bundle] = []
        self.results: list[Result] = []
        self.answers: list[str] = []
        self.amendments: list[Amendment] = []

    async def run(self, bundle: Bundle, desk: Desk) -> AsyncIterator[Finding]:
        """Play the next script. Raises `ModelError` when there is none left."""
        if self._begun == len(self._scripts):
            raise ModelError(
                "the script is over", f"task {bundle.id} is one more than it has", "give it one more script"
            )
        script = self._scripts[self._begun]
        self._begun += 1
        self.bundles.append(bundle)
        for step in script:
            self._unplayed -= 1
            match step:
                case Finding():
                    yield step
                case ToolCall():
                    self.results.extend(await desk.call(step))
                case Ask(question=question):
                    self.answers.append(await desk.ask(question))
                case AwaitCorrection():
                    await desk.amended()
                    self.amendments.extend(desk.amendments())
                case anyio.Event():
                    await step.wait()
                case Exception():
                    raise step

    def assert_complete(self) -> None:
        """Fail with `AssertionError` unless every script was played to its last step."""
        left = len(self._scripts) - self._begun
        if left or self._unplayed:
            raise AssertionError(f"{left} scripts were not begun, {self._unplayed} steps were not played")
