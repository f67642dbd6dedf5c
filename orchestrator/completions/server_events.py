"""Bytes of a streamed answer in, server-sent events out. Forgiving: servers and proxies do not all keep to the rules.

What the WHATWG's text asks for is done; and beyond it a line that is a JSON object without `data:` counts as an event
(a proxy that fails in the middle writes that), and bytes that are no UTF-8 harm only their own letter.
"""

from __future__ import annotations

from typing import Final

import msgspec

__all__ = ["ServerEvent", "ServerEvents"]

_BOM: Final = b"\xef\xbb\xbf"


class ServerEvent(msgspec.Struct, frozen=True):
    """One event. `name` is empty where the server gives none."""

    data: str
    name: str = ""


class ServerEvents:
    """One per response: `feed` it what arrives, then `end` it."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._name = ""
        self._data: list[str] = []
        self._begun = False

    def feed(self, data: bytes) -> list[ServerEvent]:
        """The events that `data` completes."""
        if b"\n" not in data and b"\r" not in data:
            self._rest += data
            return []
        lines = (bytes(self._rest) + data).splitlines(keepends=True)
        # A lone carriage return at the end may be the first half of a line's end.
        self._rest = bytearray(b"" if lines[-1].endswith(b"\n") else lines.pop())
        return self._events(lines)

    def end(self) -> list[ServerEvent]:
        """The stream is over: what is left of it, also where the last empty line is missing."""
        lines, self._rest = [bytes(self._rest), b"\n"], bytearray()
        return self._events(lines)

    def _events(self, lines: list[bytes]) -> list[ServerEvent]:
        events: list[ServerEvent] = []
        for raw in lines:
            if raw and not self._begun:
                self._begun, raw = True, raw.removeprefix(_BOM)
            line = raw.rstrip(b"\r\n").decode("utf-8", errors="replace")
            if not line:
                # `end` passes what is left, which may be nothing at all: that is no empty line.
                if raw:
                    events += self._dispatched()
            elif line.lstrip().startswith("{"):
                events += [*self._dispatched(), ServerEvent(line, self._name)]
            else:
                self._field(line)
        return events

    def _dispatched(self) -> list[ServerEvent]:
        events = [ServerEvent("\n".join(self._data), self._name)] if self._data else []
        self._name, self._data = "", []
        return events

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._name = value
