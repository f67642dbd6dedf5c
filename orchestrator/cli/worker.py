"""`duologue worker`: works for chats that run elsewhere, and says what it does."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Final

from orchestrator.errors import ConfigError

if TYPE_CHECKING:
    from anyio.abc import TaskStatus

    from orchestrator.assistant import Assistant
    from orchestrator.cli.settings import Settings

__all__ = ["say", "work_until_stopped", "worker"]

_INTERRUPTED: Final = 130
_LOOK_S: Final = 2.0


def worker(settings: Settings) -> int:
    """Work until told to stop. Returns the exit code: 0, or 130 where it was cut short.

    Raises:
        ConfigError: no Redis was named, or its URL is none.
    """
    if settings.redis is None:
        raise ConfigError(
            "a worker needs a Redis, and none was named",
            "without one, `duologue chat` works in its own process and needs no worker",
            "give --redis redis://localhost:6379, or set REDIS_URL",
        )
    from orchestrator.cli.bundled import bundled_assistant, chosen_bus
    from orchestrator.cli.logs import logging_to
    from orchestrator.cli.watched import WatchedBus

    bus = chosen_bus(settings)
    assert bus is not None
    with logging_to(settings.log or sys.stderr):
        assistant = bundled_assistant(settings, WatchedBus(bus, say))
        say(_thinks(settings))
        return work_until_stopped(assistant, settings.redis, slots=settings.slots)


def _thinks(settings: Settings) -> str:
    from orchestrator.completions.naming import parse_model

    named = settings.background_model or settings.model
    if named is None:
        return "tasks are done by rules; with --background-model NAME a language model does them"
    return f"tasks are done by the language model {parse_model(named)}"


def work_until_stopped(assistant: Assistant, url: str, *, slots: int = 8) -> int:
    """Let `assistant`, whose bus is the Redis at `url`, work until a signal stops it. Returns the exit code.

    The first SIGINT or SIGTERM drains, the second hands back what still runs.
    """
    import anyio

    return anyio.run(_work, assistant, url, slots)


async def _work(assistant: Assistant, url: str, slots: int) -> int:
    import anyio

    from background.settings import WorkerSettings
    from orchestrator.cli.reach import shown

    grace_s = WorkerSettings().grace_s
    drain = anyio.Event()
    interrupted = False
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with anyio.create_task_group() as tasks:

            async def watch_signals() -> None:
                nonlocal interrupted
                async for number in signals:
                    if drain.is_set():
                        say("stopping now: what still runs is handed back")
                        interrupted = True
                        tasks.cancel_scope.cancel()
                    else:
                        again = "; Ctrl-C again hands them back at once" if number == signal.SIGINT else ""
                        say(f"finishing: no new tasks are taken, those that run have {grace_s:g} seconds{again}")
                        drain.set()

            tasks.start_soon(watch_signals)
            # It says first whether Redis is there, and then what it takes from it.
            await tasks.start(_watch_redis, url, shown(url))
            await assistant.work(slots=slots, drain=drain)
            tasks.cancel_scope.cancel()
    say("stopped")
    return _INTERRUPTED if interrupted else 0


async def _watch_redis(url: str, name: str, *, task_status: TaskStatus[None]) -> None:
    """Tell when Redis is there and when it is away. The bus waits by itself; this only says so."""
    import anyio

    from orchestrator.bus.redis_client import RedisClient, RedisSettings
    from orchestrator.cli.reach import OLDEST, reach, trouble

    # One connection, kept: there may be many workers.
    client = RedisClient(url, RedisSettings())
    was_there: bool | None = None
    try:
        while True:
            problem = await trouble(client)
            if not problem and not was_there:
                found = await reach(url)
                problem = found.problem
                if not problem:
                    again = "again " if was_there is False else ""
                    say(f"connected {again}to {name} ({found.product} {found.version}), waiting for tasks")
                    if found.too_old:
                        say(f"this Redis is too old: {OLDEST[0]}.{OLDEST[1]} or newer is needed")
            if problem and was_there is not False:
                say(f"Redis is away, waiting for it: {problem}")
            if was_there is None:
                task_status.started()
            was_there = not problem
            await anyio.sleep(_LOOK_S)
    finally:
        with anyio.CancelScope(shield=True):
            await client.close()


def say(line: str) -> None:
    """One plain line. A worker whose output nobody reads any more goes on working."""
    from interaction.links.printable import printable

    try:
        sys.stdout.write(f"{printable(line)}\n")
        sys.stdout.flush()
    except (BrokenPipeError, ValueError):
        pass
