"""Where the log goes while a command runs. Never onto a screen that somebody is talking on."""

from __future__ import annotations

import logging
import logging.handlers
import queue
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from orchestrator.errors import ConfigError

__all__ = ["logging_to"]

_WAITING: Final = 10_000
"""Lines that may wait for a slow disk; more are thrown away, because a log must never hold up a conversation."""


class _Queueing(logging.handlers.QueueHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        """The queue is full: the line is lost."""


@contextmanager
def logging_to(place: Path | TextIO | None) -> Generator[None, None, None]:
    """Send what is logged to a file or stream, written by a thread of its own; with `None` nowhere.

    Raises:
        ConfigError: the file cannot be written.
    """
    root = logging.getLogger()
    if place is None:
        # Without any handler Python would print warnings on stderr, in the middle of the conversation.
        nowhere = logging.NullHandler()
        root.addHandler(nowhere)
        try:
            yield
        finally:
            root.removeHandler(nowhere)
        return
    writer = _writer(place)
    lines: queue.Queue[logging.LogRecord] = queue.Queue(_WAITING)
    listener = logging.handlers.QueueListener(lines, writer)
    handler = _Queueing(lines)
    before = root.level
    root.addHandler(handler)
    if isinstance(place, Path):
        root.setLevel(logging.INFO)
    listener.start()
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        listener.stop()
        writer.close()


def _writer(place: Path | TextIO) -> logging.Handler:
    if not isinstance(place, Path):
        stream = logging.StreamHandler(place)
        stream.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
        return stream
    try:
        file = logging.FileHandler(place, encoding="utf-8")
    except OSError as problem:
        raise ConfigError(
            f"the log cannot be written to {place}", str(problem.strerror), "choose another file for --log"
        ) from problem
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    return file
