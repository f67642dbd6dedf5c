"""`duologue tasks`: what is on its way through the hand-off, and what may be done with it.

`--json` prints one object. `list`: `running`, `queued` and `dead`, each a list (see `TaskFacts` and `DeadLetter` in
`orchestrator.bus.redis_overview`), and `counts`, how many of each there are. `show`: a `TaskStory` (see
`orchestrator.bus.redis_operator`). `cancel`: `id` and `how` (`ended`, `stopped` or `sent`: its worker has not confirmed
it yet). `retry`: `id`, `was` (`dead` or `running`) and `heard`.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

import anyio
import msgspec

from orchestrator.bus.redis_client import Away, RedisClient, RedisSettings
from orchestrator.bus.redis_operator import Operator, Retried
from orchestrator.bus.redis_overview import DeadLetter, Overview, TaskFacts, Watch
from orchestrator.cli.outside import away_error, hand_off
from orchestrator.cli.task_page import cancelled_lines, listed_lines, retried_lines, story_lines
from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from orchestrator.cli.settings import Settings

__all__ = ["Listed", "tasks_cancel", "tasks_list", "tasks_retry", "tasks_show"]

_CONFIRMED_S: Final = 2.0
"""A worker that lives confirms a cancellation within this time."""
_LOOK_S: Final = 0.02
_NEAR: Final = 100
"""Tasks of each kind among which a wrong id is looked for."""


class Listed(msgspec.Struct, frozen=True):
    """What `tasks list --json` prints."""

    running: tuple[TaskFacts, ...]
    queued: tuple[TaskFacts, ...]
    dead: tuple[DeadLetter, ...]
    counts: dict[str, int]


class _Office(msgspec.Struct, frozen=True):
    watch: Watch
    operator: Operator


def tasks_list(settings: Settings, *, pool: str | None, state: str | None, limit: int, as_json: bool) -> int:
    """Print what is on its way. Returns the exit code."""

    async def run(office: _Office) -> None:
        def most(name: str) -> int:
            return limit if state in (None, name) else 0

        # The letters of all pools are in one stream; of one pool only those among the last can be found.
        letters = most("dead") if pool is None else most("dead") and _NEAR
        overview = await office.watch.tasks(
            pools=() if pool is None else (pool,), running=most("running"), waiting=most("queued"), letters=letters
        )
        listed = _listed(overview, pool, state, limit)
        _print(listed, as_json, lambda width: listed_lines(listed, width))

    return _run(settings, run)


def tasks_show(settings: Settings, task: str, *, as_json: bool) -> int:
    """Print all that is known of one task. Returns the exit code."""

    async def run(office: _Office) -> None:
        story = await office.operator.show(task)
        if story is None:
            raise await _unknown(office, task)
        _print(story, as_json, lambda width: story_lines(story, width))

    return _run(settings, run)


def tasks_cancel(settings: Settings, task: str, *, reason: str, as_json: bool) -> int:
    """Call a task off, and say what came of it. Returns the exit code."""

    async def run(office: _Office) -> None:
        called = await office.operator.cancel(task, reason)
        # What a dead letter tells of has ended too, though nothing else may know it any more.
        if called.how == "unknown" and await office.operator.show(task) is None:
            raise await _unknown(office, task)
        if called.how in ("over", "unknown"):
            raise UsageError(f"the task {task} cannot be called off", "it has ended already", f"see: {_show(task)}")
        how = "ended" if called.how == "ended" else await _confirmed(office, task)
        _print({"id": task, "how": how}, as_json, lambda _: cancelled_lines(task, how))

    return _run(settings, run)


def tasks_retry(settings: Settings, task: str, *, as_json: bool) -> int:
    """Have a task tried again, or say why not. Returns the exit code."""

    async def run(office: _Office) -> None:
        retried = await office.operator.retry(task)
        if retried.how == "unknown":
            raise await _unknown(office, task)
        if retried.how != "queued":
            raise _refused(task, retried)
        answer = {"id": task, "was": retried.was, "heard": retried.heard}
        _print(answer, as_json, lambda _: retried_lines(task, retried))

    return _run(settings, run)


def _run(settings: Settings, run: Callable[[_Office], Awaitable[None]]) -> int:
    async def with_office() -> None:
        async with hand_off(settings) as (client, bus_settings, url):
            try:
                await run(_office(client, bus_settings, url))
            except Away as away:
                raise away_error(away.reason) from away

    anyio.run(with_office)
    return 0


def _office(client: RedisClient, settings: RedisSettings, url: str) -> _Office:
    return _Office(Watch(client, url, settings), Operator(client, settings))


def _listed(overview: Overview, pool: str | None, state: str | None, limit: int) -> Listed:
    letters = [letter for letter in overview.letters if pool in (None, letter.pool)]
    counts = {
        "running": sum(queue.running for queue in overview.queues),
        "queued": sum(queue.waiting for queue in overview.queues),
        "dead": overview.dead if pool is None else len(letters),
    }
    if state is not None:
        counts = {state: counts[state]}
    return Listed(overview.running[:limit], overview.waiting[:limit], tuple(letters[:limit]), counts)


async def _confirmed(office: _Office, task: str) -> str:
    """Whether its worker says soon that it has stopped."""
    with anyio.move_on_after(_CONFIRMED_S):
        while True:
            if await office.operator.state(task) != "running":
                return "stopped"
            await anyio.sleep(_LOOK_S)
    return "sent"


async def _unknown(office: _Office, wanted: str) -> UsageError:
    overview = await office.watch.tasks(pools=(), running=_NEAR, waiting=_NEAR, letters=_NEAR)
    known = [task.id for task in (*overview.running, *overview.waiting)] + [letter.id for letter in overview.letters]
    near = [name for name in known if name.startswith(wanted)] or get_close_matches(wanted, known, n=3)
    shown = ", ".join(near[:3])
    why = f"did you mean {shown}?" if near else "one that has ended is forgotten after ten minutes"
    return UsageError(f"there is no task {wanted}", why, "see which there are: duologue tasks list")


def _refused(task: str, retried: Retried) -> UsageError:
    why, todo = {
        "waiting": ("it waits for a worker already", "run more workers: duologue top says where they are missing"),
        "done": ("it has been answered", f"see what came of it: {_show(task)}"),
        "cancelled": ("it was called off", "whoever wants it after all has to ask again"),
        "context": ("the conversation that goes with it is no longer kept", "the person has to ask again"),
        "changed": ("it changed in this moment", f"see how it stands now: {_show(task)}"),
    }[retried.how]
    return UsageError(f"the task {task} cannot be tried again", why, todo)


def _show(task: str) -> str:
    return f"duologue tasks show {task}"


def _print(item: Any, as_json: bool, lines: Callable[[int], list[str]]) -> None:
    import shutil

    from orchestrator.cli.table import WIDE

    if as_json:
        sys.stdout.write(f"{msgspec.json.encode(item).decode()}\n")
        return
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDE
    encoding = sys.stdout.encoding or "ascii"
    text = "\n".join(lines(width)).encode(encoding, errors="replace").decode(encoding)
    sys.stdout.write(f"{text}\n")
