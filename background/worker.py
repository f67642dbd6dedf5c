"""A worker: takes tasks as it has room for them, and serves each in a child of its own.

It ends when it is cancelled or drained, never because a task, a tool, a reasoner or the bus failed.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import anyio

from background.reasoning import Keeping
from background.serving import Serving
from background.settings import WorkerSettings
from background.workbench import Workbench
from orchestrator.errors import BusUnavailable, ConfigError
from orchestrator.ports import Claim, OpenTools, Reasoner, Tool, WorkerBus
from orchestrator.resources import Resources

__all__ = ["Worker"]

_log = logging.getLogger(__name__)


class Worker:
    """Claims tasks from `bus`, runs a reasoner on each with `tools`, and sends back what it finds.

    `reasoner` is one for all pools, or one for each pool by name (`""` is the default pool). `slots` is how many tasks
    are worked on at once. No more than that are ever claimed, beside those whose answer is on its way to the bus: at
    most as many again. `bus` has been entered by the caller, who also leaves it; so have the `sources`, whose tools are
    there besides. `allow` are patterns of names (`search_*`): no task here gets a tool beyond them. What the tools
    share (`orchestrator.resources`) is open while it runs.

    Raises:
        ConfigError: there is no slot, or two tools have one name.
    """

    def __init__(
        self,
        bus: WorkerBus,
        reasoner: Reasoner | Mapping[str, Reasoner],
        tools: Sequence[Tool] = (),
        *,
        slots: int = 8,
        settings: WorkerSettings | None = None,
        sources: Sequence[OpenTools] = (),
        allow: Sequence[str] = ("*",),
    ) -> None:
        if slots < 1:
            raise ConfigError(f"a worker with {slots} slots does nothing", "", "give it 1 or more")
        self._bus = bus
        self._reasoner = reasoner
        self._resources = Resources()
        self._workbench = Workbench(tools, sources=sources, allow=allow, resources=self._resources)
        self._slots = slots
        self._settings = settings or WorkerSettings()
        self._serving: set[Serving] = set()
        self._working = 0
        """How many of them still have a reasoner at work."""
        self._changed: anyio.Event | None = None
        self._claiming = anyio.CancelScope()
        self._grace_s = self._settings.grace_s
        self._draining = False

    @property
    def busy(self) -> int:
        """How many tasks are being served."""
        return len(self._serving)

    def drain(self, grace_s: float | None = None) -> None:
        """Take no more tasks; `run` returns when those that run are done, or handed back after `grace_s` seconds.

        May be called from a signal's task, and again with a shorter grace.
        """
        self._draining = True
        self._grace_s = self._settings.grace_s if grace_s is None else grace_s
        self._claiming.cancel()
        self._notify()

    async def run(self) -> None:
        """Work until drained or cancelled. Tasks that are cut off by a cancellation are handed back.

        What a reasoner keeps open between tasks (`Keeping`) is open meanwhile. Call it once.
        """
        async with self._resources, self._kept(), anyio.create_task_group() as group:
            with self._claiming:
                while not self._draining:
                    await self._room()
                    for claim in await self._claims():
                        reasoner = self._reasoner_for(claim)
                        serving = Serving(claim, reasoner, self._workbench, self._settings, group, self._worked)
                        self._serving.add(serving)
                        self._working += 1
                        group.start_soon(self._serve, serving)
            await self._wait_for_running()
            for serving in self._serving:
                serving.stop()

    @asynccontextmanager
    async def _kept(self) -> AsyncGenerator[None]:
        given = self._reasoner
        async with AsyncExitStack() as stack:
            for reasoner in given.values() if isinstance(given, Mapping) else (given,):
                if isinstance(reasoner, Keeping):
                    await stack.enter_async_context(reasoner.kept())
            yield

    async def _claims(self) -> Sequence[Claim]:
        try:
            return await self._bus.claim(room=self._free())
        except BusUnavailable as error:
            _log.warning("no tasks can be claimed just now: %s", error.what)
            await anyio.sleep(self._settings.longest_retry_s)
            return ()

    async def _serve(self, serving: Serving) -> None:
        try:
            await serving.run()
        finally:
            self._serving.discard(serving)
            self._notify()

    def _worked(self) -> None:
        """A reasoner has done its work. Its slot is free then: the next task is read while the answer is sent."""
        self._working -= 1
        self._notify()

    def _free(self) -> int:
        return min(self._slots - self._working, 2 * self._slots - len(self._serving))

    async def _room(self) -> None:
        while self._free() < 1:
            await self._change()

    async def _wait_for_running(self) -> None:
        begun = anyio.current_time()
        while self._serving:
            left = begun + self._grace_s - anyio.current_time()
            if left <= 0:
                return
            with anyio.move_on_after(left):
                await self._change()

    def _reasoner_for(self, claim: Claim) -> Reasoner | None:
        if isinstance(self._reasoner, Mapping):
            return self._reasoner.get(claim.bundle.pool)
        return self._reasoner

    async def _change(self) -> None:
        if self._changed is None:
            self._changed = anyio.Event()
        await self._changed.wait()

    def _notify(self) -> None:
        if self._changed is not None:
            self._changed.set()
            self._changed = None
