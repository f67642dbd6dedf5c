"""The desk a reasoner works at: its tools, what the person has said since, and the way to tell or ask something."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import msgspec

from background.insisting import insist
from background.mailbox import Mailbox
from background.outbox import Outbox
from background.settings import WorkerSettings
from background.taint import Taint
from background.workbench import TaskTools, Workbench
from orchestrator.bundle import Amendment, Bundle
from orchestrator.finding import Channel, Finding, Urgency
from orchestrator.ports import Begun, Claim, Result, Steps, ToolCall, ToolInfo

__all__ = ["TaskDesk"]


class TaskDesk:
    """Implements `orchestrator.ports.Desk` for one claim."""

    def __init__(
        self, claim: Claim, workbench: Workbench, mailbox: Mailbox, outbox: Outbox, settings: WorkerSettings
    ) -> None:
        self._claim = claim
        self._workbench = workbench
        self._mailbox = mailbox
        self._outbox = outbox
        self._settings = settings
        self._tools: TaskTools | None = None
        self.deadline: float = anyio.current_time() + claim.left_ms / 1000
        """When the task must be done, by the clock of the event loop. It counts from the hand-off."""

    @property
    def tools(self) -> Sequence[ToolInfo]:
        """What this task may use."""
        return self._own_tools().infos

    @property
    def remaining_s(self) -> float:
        """Seconds until the task's deadline, which counts from the hand-off; 0 when it has passed."""
        return max(0.0, self.deadline - anyio.current_time())

    async def call(self, *calls: ToolCall) -> Sequence[Result]:
        """Run calls side by side. Results come in call order, exactly one each."""
        return await self._own_tools().call(*calls)

    def amendments(self) -> Sequence[Amendment]:
        """What the person said since this was last read. Findings count as informed of it from now on."""
        return self._mailbox.read()

    async def amended(self) -> None:
        """Return as soon as there is a correction not yet read."""
        await self._mailbox.corrected()

    async def progress(self, text: str) -> None:
        """Tell what is being done; at most ten a second go out, the newest."""
        self._outbox.report(Finding.progress(text))

    async def publish(self, finding: Finding) -> None:
        """Send a finding now that is not terminal. Raises `ValueError` for a terminal one: that is yielded."""
        if finding.terminal:
            raise ValueError(f"a finding of kind {finding.kind!r} ends the task: yield it, do not publish it")
        if finding.kind == "progress":
            self._outbox.report(finding)
        else:
            await self._outbox.put(finding)

    async def ask(self, question: str, *, urgency: Urgency = "high", approves: str = "") -> str:
        """Put a question to the person and wait for the answer; the task's deadline is the only limit.

        `approves` names the tool that leave is asked for.
        """
        finding = msgspec.structs.replace(Finding.question(question), urgency=urgency, approves=approves)
        return await self._mailbox.answer(await self._outbox.put(finding))

    async def approve(self, tool: str, question: str) -> bool:
        """Ask the person for leave to run `tool`."""
        return await self._own_tools().approve(tool, question)

    def _own_tools(self) -> TaskTools:
        if self._tools is None:  # a task that uses none does not pay for them
            self._tools = self._workbench.for_task(
                _Host(self, self._claim, self._mailbox, self._outbox, self._settings)
            )
        return self._tools


class _Host:
    """What the tools may ask for, over the desk. A room of its own, since a reasoner has no use for it."""

    def __init__(
        self, desk: TaskDesk, claim: Claim, mailbox: Mailbox, outbox: Outbox, settings: WorkerSettings
    ) -> None:
        self._desk = desk
        self._claim = claim
        self._mailbox = mailbox
        self._outbox = outbox
        self._settings = settings

    @property
    def bundle(self) -> Bundle:
        return self._claim.bundle

    @property
    def attempt(self) -> int:
        return self._claim.attempt

    @property
    def remaining_s(self) -> float:
        return self._desk.remaining_s

    @property
    def approval_s(self) -> float:
        return self._settings.approval_s

    @property
    def taint(self) -> Taint:
        return self._mailbox.taint

    async def begin(self, step: str) -> Begun:
        return await insist(lambda: self._claim.steps.begin(step), self._settings)

    async def complete(self, step: str, outcome: bytes) -> None:
        await insist(lambda: self._claim.steps.complete(step, outcome), self._settings)

    async def earlier_steps(self) -> Steps:
        return await insist(lambda: self._claim.steps.earlier(), self._settings)

    async def report(self, text: str, *, channel: Channel, lane: str) -> None:
        self._outbox.report(Finding(text, "progress", channel=channel), lane=lane)
        await anyio.lowlevel.checkpoint()  # a tool that only ever tells progress must not starve the loop

    async def ask(self, question: str, *, approves: str = "") -> str:
        return await self._desk.ask(question, approves=approves)
