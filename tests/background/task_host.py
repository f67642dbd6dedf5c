"""A task as the workbench sees it, without a worker or a bus."""

from __future__ import annotations

import anyio
import anyio.lowlevel

from background.taint import Taint
from background.workbench import TaskTools, Workbench
from orchestrator.bundle import Bundle
from orchestrator.errors import ClaimLost
from orchestrator.finding import Channel
from orchestrator.ports import Begun, Result, Steps, Tool, ToolCall


class Host:
    """A task as the workbench sees it; answers questions with what it was given."""

    def __init__(self, bundle: Bundle | None = None, *, attempt: int = 1, leave: str = "yes") -> None:
        self.bundle = bundle or Bundle("s-1", "s", "task")
        self.attempt = attempt
        self.remaining_s = 60.0
        self.approval_s = 60.0
        self.taint = Taint(there=self.bundle.tainted)
        self.leaves = leave.split("/")
        """What is answered to the questions for leave, one after another, the last one from then on; `...` is never."""
        self.reports: list[tuple[str, str, str]] = []
        self.asked: list[str] = []
        self.answer = anyio.Event()
        self.earlier = Steps()
        self.written: dict[str, bytes | None] = {}
        self.owned = True

    async def begin(self, step: str) -> Begun:
        self._check()
        assert step not in self.written, "a step of one attempt is begun once"
        self.written[step] = None
        return Begun("new")

    async def complete(self, step: str, outcome: bytes) -> None:
        self._check()
        assert step in self.written, "what was not begun cannot be complete"
        self.written[step] = outcome

    async def earlier_steps(self) -> Steps:
        await anyio.lowlevel.checkpoint()
        self._check()
        return self.earlier

    def _check(self) -> None:
        if not self.owned:
            raise ClaimLost("another has it")

    def again(self) -> Host:
        """The next attempt of the same task."""
        host = Host(self.bundle, attempt=self.attempt + 1, leave="/".join(self.leaves))
        host.earlier = Steps({**self.earlier.outcomes, **self.written})
        return host

    async def report(self, text: str, *, channel: Channel, lane: str) -> None:
        self.reports.append((text, channel, lane))

    async def ask(self, question: str, *, approves: str = "") -> str:
        self.asked.append(question)
        if not approves:
            await self.answer.wait()
            return "Paris"
        answer = self.leaves[0] if len(self.leaves) == 1 else self.leaves.pop(0)
        if answer == "...":
            await anyio.sleep_forever()
        return answer


def tools_of(*tools: Tool, host: Host | None = None) -> TaskTools:
    return Workbench(tools).for_task(host or Host())


async def one(tools: TaskTools, name: str, **arguments: object) -> Result:
    (result,) = await tools.call(ToolCall(name, arguments))
    return result
