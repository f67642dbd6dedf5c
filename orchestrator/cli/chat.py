"""`duologue chat`, and the terminal for any assistant."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import textwrap
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from orchestrator.errors import ConfigError
from orchestrator.ports import Journal, Link
from orchestrator.resuming import Recap

if TYPE_CHECKING:
    from anyio import CancelScope

    from orchestrator.cli.settings import Settings

__all__ = ["Console", "Converses", "chat", "run_in_terminal"]

_INTERRUPTED: Final = 130
_LONG_S: Final = 1.0
_EXAMPLE: Final = "Try: find the word timeout in the docs. Or: remind me in 10 seconds to stretch."


class Converses(Protocol):
    """What can be talked with in a terminal; `Assistant` is one."""

    @property
    def about(self) -> str: ...

    async def converse(
        self,
        link: Link,
        *,
        id: str | None = None,
        journal: Journal | None = None,
        take_over: bool = False,
        begun: Callable[[Recap | None], None] | None = None,
    ) -> None: ...


class Console(Link, Journal, Protocol):
    """A link to the person who started the program, and how they leave it."""

    def leave(self, reason: str) -> None: ...

    def tell(self, line: str) -> None: ...

    @property
    def leaving(self) -> str | None: ...

    @property
    def unfinished(self) -> tuple[str, ...]: ...


def chat(settings: Settings, *, as_json: bool, record: Path | None, take_over: bool = False) -> int:
    """Talk with the bundled assistant. Returns the exit code.

    Raises:
        ConfigError: a session was named, and there is no Redis to keep it.
    """
    if settings.session is not None and settings.redis is None:
        raise ConfigError(
            f"the session {settings.session!r} cannot be kept: no Redis was named",
            "without one a conversation ends with its process",
            "give --redis redis://localhost:6379 or set REDIS_URL, or leave the session out",
        )
    if take_over and settings.session is None:
        raise ConfigError(
            "there is no session to take over", "--take-over is for a session that is open", "give --session NAME too"
        )
    from orchestrator.cli.bundled import bundled_assistant, chosen_bus
    from orchestrator.cli.logs import logging_to

    with logging_to(settings.log):
        assistant = bundled_assistant(settings, chosen_bus(settings))
        return run_in_terminal(
            assistant,
            plain=settings.plain,
            as_json=as_json,
            record=record,
            session=settings.session,
            take_over=take_over,
            hint=_hint(settings),
        )


def _hint(settings: Settings) -> str:
    """What is told to somebody who has a model server and talks with the rule-based voice."""
    there = [name for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY") if os.environ.get(name, "").strip()]
    if not there or settings.model or settings.background_model:
        return ""
    return (
        f"{there[0]} is set: add --model NAME to talk with a model there; duologue doctor --models lists what it has."
    )


def run_in_terminal(
    assistant: Converses,
    *,
    plain: bool = False,
    as_json: bool = False,
    record: Path | None = None,
    session: str | None = None,
    take_over: bool = False,
    hint: str = "",
) -> int:
    """Talk with `assistant` until the person leaves. Returns the exit code: 0, or 130 after Ctrl-C.

    With the name of a `session` it goes on with that one.

    Without a terminal to draw on it is plain in any case. `record` is written anew with the journal of the talk. A
    `hint` is a line more in the greeting.

    Raises:
        DuologueError: what the person should read, after the terminal is back in order.
    """
    import anyio

    from orchestrator.cli.logs import logging_to

    wanted = _Wanted(session, take_over, as_json, record, hint)
    # Where a program has set up no logging, Python would write warnings on the screen that somebody is talking on.
    with logging_to(None):
        return anyio.run(_talk, assistant, _console(plain=plain, as_json=as_json), wanted)


class _Wanted(NamedTuple):
    """What the person asked for."""

    session: str | None
    take_over: bool
    as_json: bool
    record: Path | None
    hint: str


def _console(*, plain: bool, as_json: bool) -> Callable[[], AbstractAsyncContextManager[Console]]:
    from orchestrator.siblings import require

    require("interaction")
    if as_json:
        from interaction.links.jsonl import JsonLink

        return JsonLink.open
    from interaction.links.terminal import TerminalLink, is_terminal

    if plain or not is_terminal():
        from interaction.links.plain import PlainLink

        return PlainLink.open
    return TerminalLink.open


async def _talk(
    assistant: Converses,
    open_console: Callable[[], AbstractAsyncContextManager[Console]],
    wanted: _Wanted,
) -> int:
    import anyio
    import anyio.lowlevel

    killed = opened = False
    async with AsyncExitStack() as stack:
        # First of all: a signal while the console opens must not leave the terminal as nobody wants it.
        signals = stack.enter_context(anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
        # A Ctrl-C from before is asyncio's own. It must come out here: nothing that opens below would take it well.
        await anyio.lowlevel.checkpoint()

        from interaction.links.leaving import INTERRUPTED
        from interaction.links.printable import printable
        from interaction.links.recording import Both, Recording

        if not wanted.as_json:
            _greet(assistant.about, wanted.hint)
        recording = await stack.enter_async_context(Recording.open(wanted.record)) if wanted.record else None
        console = await stack.enter_async_context(open_console())
        async with anyio.create_task_group() as tasks:

            async def watch_signals() -> None:
                nonlocal killed
                async for number in signals:
                    if console.leaving is not None or not opened:
                        # Nothing has been said yet that would have to be finished.
                        killed = console.leaving is not None
                        tasks.cancel_scope.cancel()
                    console.leave(INTERRUPTED if number == signal.SIGINT else "the program was told to stop")

            tasks.start_soon(watch_signals)
            waiting = anyio.CancelScope()
            if wanted.session is not None:
                tasks.start_soon(_say_that_it_takes_long, console, wanted.session, waiting)

            def begun(recap: Recap | None) -> None:
                nonlocal opened
                opened = True
                waiting.cancel()
                if wanted.session is not None:
                    new = f"A new conversation, kept as {wanted.session}."
                    console.tell(new if recap is None else recap.line(wanted.session))

            await assistant.converse(
                console,
                id=wanted.session,
                journal=Both(console, recording) if recording else console,
                take_over=wanted.take_over,
                begun=begun,
            )
            tasks.cancel_scope.cancel()
    # To stderr: it is about the program, not a part of the conversation.
    for task in console.unfinished:
        sys.stderr.write(f"left while still working on: {printable(task)}\n")
    if recording is not None and (recording.lost or recording.failure):
        why = recording.failure or f"{recording.lost} lines were lost because the disk is too slow"
        sys.stderr.write(f"the recording is not complete: {why}\n")
    return _INTERRUPTED if killed or console.leaving == INTERRUPTED else 0


async def _say_that_it_takes_long(console: Console, session: str, waiting: CancelScope) -> None:
    import anyio

    with waiting:
        await anyio.sleep(_LONG_S)
        console.tell(f"Waiting for {session}: the process that had it may have died, or Redis is away.")


def _greet(about: str, hint: str) -> None:
    if sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty():
        for line in filter(None, (about, hint, f"Ctrl-C or Ctrl-D leaves. {_EXAMPLE}")):
            sys.stdout.write(f"{textwrap.fill(line, shutil.get_terminal_size().columns)}\n")
        sys.stdout.flush()
