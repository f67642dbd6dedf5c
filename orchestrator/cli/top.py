"""`duologue top`: the hand-off at a glance, live.

As JSON it is one object a look, with `away` (why Redis does not answer; else empty), `problems` (a line each, with what
to do) and `overview` (see `orchestrator.bus.redis_overview.Overview`; `null` while Redis is away).
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Final

import anyio
import msgspec

from orchestrator.bus.redis_overview import Overview, Watch
from orchestrator.cli.outside import away_error, hand_off
from orchestrator.cli.settings import Settings
from orchestrator.cli.table import WIDE, clean, shortened, span
from orchestrator.cli.top_advice import advice
from orchestrator.cli.top_page import Row, page
from orchestrator.cli.top_screen import Screen, can_be_drawn_on

__all__ = ["Report", "top"]

_INTERRUPTED: Final = 130
_LETTERS: Final = 10
_RUNNING: Final = 50
_KEYS: Final = "q leaves"


class Report(msgspec.Struct, frozen=True):
    """One look, as `--json` prints it."""

    away: str
    problems: tuple[str, ...]
    overview: Overview | None


def top(settings: Settings, *, once: bool, as_json: bool, interval_s: float) -> int:
    """Show the hand-off until told to stop. Returns the exit code: 0, or 130 after Ctrl-C.

    Raises:
        ConfigError: no Redis was named, or its URL is none.
        BusUnavailable: `once`, and it does not answer.
    """
    return anyio.run(_top, settings, once, as_json, interval_s)


async def _top(settings: Settings, once: bool, as_json: bool, interval_s: float) -> int:
    async with hand_off(settings) as (client, bus_settings, url):
        watch = Watch(client, url, bus_settings)
        if once:
            report = await _look(watch)
            if report.away:
                raise away_error(report.away)
            _print(report, as_json)
        elif as_json or not can_be_drawn_on():
            await _go_on(watch, as_json, interval_s)
        else:
            return await _live(watch, interval_s)
    return 0


async def _look(watch: Watch) -> Report:
    from orchestrator.bus.redis_client import Away

    try:
        overview = await watch.look(running=_RUNNING, letters=_LETTERS)
    except Away as away:
        return Report(away.reason, (), None)
    return Report("", advice(overview), overview)


# --- without a screen ------------------------------------------------------------------------------------------------


async def _go_on(watch: Watch, as_json: bool, interval_s: float) -> None:
    """One look after the other, each below the one before."""
    while True:
        _print(await _look(watch), as_json)
        await anyio.sleep(interval_s)


def _print(report: Report, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(f"{msgspec.json.encode(report).decode()}\n")
    elif report.overview is None:
        sys.stdout.write(f"{_clock()}  away: {clean(report.away)}\n\n")
    else:
        width = _width()
        rows = page(report.overview, report.problems, width=width, height=None)
        lines = [_clock(), *(row.text for row in rows), ""]
        encoding = sys.stdout.encoding or "ascii"
        text = "\n".join(lines).encode(encoding, errors="replace").decode(encoding)
        sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _width() -> int:
    return os.get_terminal_size(sys.stdout.fileno()).columns or 80 if sys.stdout.isatty() else WIDE


def _clock() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")


# --- on the screen ---------------------------------------------------------------------------------------------------


class _Live:
    """What stands on the screen: the last look that worked, and since when there has been none."""

    def __init__(self, watch: Watch, screen: Screen, interval_s: float) -> None:
        self.code = 0
        self._watch = watch
        self._screen = screen
        self._interval_s = interval_s
        self._last: Report | None = None
        self._away = ""
        self._away_since = 0.0

    async def refresh(self) -> None:
        """Look again and again, for ever."""
        while True:
            report = await _look(self._watch)
            if report.away and not self._away:
                self._away_since = anyio.current_time()
            self._away = report.away
            self._last = self._last if report.away else report
            self.draw()
            await anyio.sleep(self._interval_s)

    def draw(self) -> None:
        """Show what is known, in the room there is now."""
        columns, lines = self._screen.size
        rows = [Row(shortened(f"duologue top   {_clock()}   {_KEYS}", columns), "heading")]
        if self._away:
            since = span(int((anyio.current_time() - self._away_since) * 1_000))
            then = "; what follows is from before" if self._last is not None else ""
            rows += [
                Row(shortened(f"! Redis does not answer for {since}{then}", columns), "bad"),
                Row(shortened(f"  {clean(self._away)}", columns), "bad"),
            ]
        report = self._last
        if report is not None and report.overview is not None:
            found = page(report.overview, report.problems, width=columns, height=lines - len(rows))
            # Neither good nor bad any more: only what was.
            rows += [Row(row.text, "faint") for row in found if row.look != "good"] if self._away else found
        elif not self._away:
            rows.append(Row("connecting", "faint"))
        self._screen.draw(rows[:lines])


async def _live(watch: Watch, interval_s: float) -> int:
    with (
        # First of all: a signal in the middle of it must not leave the terminal as nobody wants it.
        anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGWINCH) as signals,
        Screen.taken() as screen,
    ):
        live = _Live(watch, screen, interval_s)
        live.draw()
        async with anyio.create_task_group() as tasks:

            async def hear_signals() -> None:
                async for number in signals:
                    if number == signal.SIGWINCH:
                        live.draw()
                        continue
                    live.code = _INTERRUPTED if number == signal.SIGINT else 0
                    tasks.cancel_scope.cancel()

            async def hear_keys() -> None:
                if await _told_to_leave():
                    tasks.cancel_scope.cancel()

            tasks.start_soon(hear_signals)
            tasks.start_soon(hear_keys)
            tasks.start_soon(live.refresh)
    return live.code


async def _told_to_leave() -> bool:
    """Wait for a q. `False` where there are no keys, or no more of them."""
    if sys.stdin is None or not sys.stdin.isatty():
        return False
    descriptor = sys.stdin.fileno()
    while True:
        await anyio.wait_readable(descriptor)
        keys = os.read(descriptor, 1_024)
        if not keys:
            return False
        if b"q" in keys.lower():
            return True
