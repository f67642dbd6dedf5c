"""A world with its own Redis, workers and front ends, the harm that is done to it, and its recovery."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar

import anyio
import anyio.abc
import anyio.to_thread
import msgspec

from tests.chaos.cells import Cell
from tests.chaos.notes import Notes
from tests.chaos.plan import Harm, Plan
from tests.chaos.proxy import Proxy
from tests.chaos.redises import GuardedRedis, LoneRedis, Redises, found_in, outstanding
from tests.chaos.spec import Spec

__all__ = ["run"]

T = TypeVar("T")

_SAMPLE_S: Final = 2.0
_FAREWELL_S: Final = 100.0
"""How long the front ends may take to hear what is still to come."""
_DRAIN_S: Final = 60.0
"""How long the queue may take to become empty, once nobody hands anything over."""
_STOP_S: Final = 20.0


async def run(plan: Plan, folder: Path) -> None:
    """Play the plan, recover, and let everything come to its end. All that happened is then in `folder`."""
    await _made(folder)
    await anyio.Path(folder / "plan.json").write_bytes(msgspec.json.format(msgspec.json.encode(plan)))
    notes = Notes(folder / "driver.ndjson")
    there: Redises = await _outside(lambda: _redis_of(plan, folder / "redis"))
    await _outside(there.start)
    try:
        async with anyio.create_task_group() as group:
            proxy = Proxy(there.port or 0)
            await group.start(proxy.serve)
            world = _World(plan, folder, notes, there, proxy)
            async with world.peopled(group):
                group.start_soon(world.sample)
                await world.suffer()
                await world.recover()
            group.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await _outside(there.end)
        notes.close()


class _World:
    def __init__(self, plan: Plan, folder: Path, notes: Notes, there: Redises, proxy: Proxy) -> None:
        self._plan = plan
        self._folder = folder
        self._notes = notes
        self._redis = there
        self._proxy = proxy
        self._workers: list[Cell] = []
        self._fronts: list[Cell] = []
        self._chance = random.Random(plan.seed)

    @asynccontextmanager
    async def peopled(self, group: anyio.abc.TaskGroup) -> AsyncGenerator[None]:
        """Everybody is there, and nobody is left behind."""
        plan = self._plan
        spec = Spec(
            name="",
            url=f"redis://127.0.0.1:{self._proxy.port}/0" if self._redis.port else self._redis.url,
            folder=str(self._folder),
            seed=plan.seed,
            lease_ms=plan.lease_ms,
            deadline_ms=plan.deadline_ms,
            max_attempts=plan.max_attempts,
        )

        def cell(module: str, name: str, sessions: tuple[str, ...] = ()) -> Cell:
            told = msgspec.structs.replace(spec, name=name, sessions=sessions)
            return Cell(f"tests.chaos.{module}", told, self._notes, group)

        self._workers = [cell("worker", f"worker-{number}") for number in range(plan.workers)]
        self._fronts = [
            # Each takes up what it can get; those that another has are that one's.
            cell("front", f"front-{number}", tuple(f"p{who}" for who in range(plan.fronts * plan.sessions)))
            for number in range(plan.fronts)
        ]
        try:
            for each in (*self._workers, *self._fronts):
                await each.start()
            yield
        finally:
            with anyio.CancelScope(shield=True):
                for each in (*self._fronts, *self._workers):
                    await each.kill()

    async def suffer(self) -> None:
        """Do what the plan says, when it says so."""
        begun = anyio.current_time()
        self._notes.write("begun", seed=self._plan.seed)
        async with anyio.create_task_group() as harms:
            for harm in self._plan.harms:
                await anyio.sleep_until(begun + harm.at_ms / 1_000)
                harms.start_soon(self._do, harm)
            await anyio.sleep_until(begun + self._plan.lasts_ms / 1_000)

    async def recover(self) -> None:
        """Nothing is done to anybody any more: everybody hears what is still to come, and the queue becomes empty."""
        self._notes.write("healed")
        self._proxy.heal()
        async with anyio.create_task_group() as leaving:
            for front in self._fronts:
                leaving.start_soon(self._say_goodbye, front)
        with anyio.move_on_after(_DRAIN_S):
            while await self._outstanding():  # noqa: ASYNC110 - Redis tells nobody of it
                await anyio.sleep(0.1)
        self._notes.write("drained")
        for worker in self._workers:
            await self._stop(worker, _STOP_S)
        self._notes.write("at end", **await _outside(lambda: found_in(self._redis.server())))

    async def sample(self) -> None:
        """Write down how much memory everybody has, for ever."""
        while True:
            for cell in (*self._workers, *self._fronts):
                if cell.pid is not None:
                    self._notes.write("memory", name=cell.spec.name, pid=cell.pid, kib=_resident_kib(cell.pid))
            await anyio.sleep(_SAMPLE_S)

    # --- harm --------------------------------------------------------------------------------------------------------

    async def _do(self, harm: Harm) -> None:
        self._notes.write("harm", kind=harm.kind, target=harm.target, lasts_ms=harm.lasts_ms, size=harm.size)
        if harm.kind.endswith(("worker", "front", "both")):
            await self._to_processes(harm)
        elif harm.kind in ("kill redis", "freeze redis", "fill redis", "empty redis", "forget scripts", "kick clients"):
            await self._to_redis(harm)
        else:
            await self._to_line(harm)
        self._notes.write("over", kind=harm.kind, target=harm.target)

    async def _to_processes(self, harm: Harm) -> None:
        verb, _, whom = harm.kind.partition(" ")
        cells = {
            "worker": self._workers[harm.target % len(self._workers) :][:1],
            "front": self._fronts[harm.target % len(self._fronts) :][:1],
            "both": [self._workers[harm.target % len(self._workers)], self._fronts[harm.target % len(self._fronts)]],
        }[whom]
        match verb:
            case "kill":
                for cell in cells:
                    await cell.kill()
            case "freeze":
                cells[0].freeze()
            case "move":
                if await self._ready(cells[0]):
                    cells[0].nudge()
            case _:
                await self._stop(cells[0], _FAREWELL_S if whom == "front" else _STOP_S)
        await self._pass_time(harm)
        cells[0].thaw()
        for cell in cells:
            await cell.start()

    async def _to_redis(self, harm: Harm) -> None:
        match harm.kind:
            case "kill redis":
                await _outside(self._redis.strike)
                await self._pass_time(harm)
                await _outside(self._redis.revive)
            case "freeze redis":
                await _outside(self._redis.freeze)
                await self._pass_time(harm)
                await _outside(self._redis.thaw)
            case "fill redis":
                await self._tell_redis("CONFIG", "SET", "maxmemory", 1)
                await self._pass_time(harm)
                await self._tell_redis("CONFIG", "SET", "maxmemory", 0)
            case "empty redis":
                await self._tell_redis("FLUSHALL")
            case "forget scripts":
                await self._tell_redis("SCRIPT", "FLUSH")
            case _:
                await self._tell_redis("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    async def _to_line(self, harm: Harm) -> None:
        proxy = self._proxy
        match harm.kind:
            case "cut line":
                proxy.cut()
            case "cut some":
                proxy.cut(2, self._chance)
            case "hang line":
                proxy.hang()
            case "drop line":
                proxy.hang()
                await self._pass_time(harm)
                proxy.cut()
            case "tear replies":
                proxy.tear(harm.size)
            case "swallow replies":
                proxy.swallow(harm.size)
            case "slow line":
                proxy.delay_ms, proxy.rate = 20, 200_000
            case _:
                proxy.closed = True
                proxy.cut()
        if harm.kind != "drop line":
            await self._pass_time(harm)
        proxy.heal()

    async def _pass_time(self, harm: Harm) -> None:
        await anyio.sleep(harm.lasts_ms / 1_000)

    async def _stop(self, cell: Cell, within_s: float) -> None:
        if not await cell.stop(within_s):
            self._notes.write("did not end", name=cell.spec.name)

    async def _say_goodbye(self, front: Cell) -> None:
        # One that was started just now does not hear the signal yet.
        with anyio.move_on_after(_STOP_S):
            while not await self._ready(front):  # noqa: ASYNC110 - a process that begins is not waited for otherwise
                await anyio.sleep(0.05)
        await self._stop(front, _FAREWELL_S)

    async def _ready(self, front: Cell) -> bool:
        return await anyio.Path(self._folder, f"{front.spec.name}-{front.pid}.ready").exists()

    # --- Redis -------------------------------------------------------------------------------------------------------

    async def _tell_redis(self, *command: str | int) -> None:
        def run() -> None:
            with self._redis.server().client() as client:
                client.execute_command(*command)

        await _outside(run)

    async def _outstanding(self) -> int:
        return await _outside(lambda: outstanding(self._redis.server()))


def _redis_of(plan: Plan, folder: Path) -> Redises:
    return GuardedRedis(folder) if plan.persistence == "sentinels" else LoneRedis(folder, plan.persistence)


def _resident_kib(pid: int) -> int:
    """What a process has in memory; 0 where that cannot be known."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")), 0)


async def _made(folder: Path) -> Path:
    await anyio.Path(folder).mkdir(parents=True, exist_ok=True)
    return folder


async def _outside(call: Callable[[], T]) -> T:
    """What blocks runs beside the loop, or the line would stand still with it."""
    return await anyio.to_thread.run_sync(call)
