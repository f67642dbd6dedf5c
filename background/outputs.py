"""What tools have put out, where it was more than a model is to read at once: the head, the tail, and a handle.

The whole text stays with the task, and is read with `read_output`. It is gone with the task, and with the worker.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from orchestrator.ports import Result, ToolInfo, ToolLimits

__all__ = ["READ_OUTPUT", "Outputs", "shortened"]

MOST_KEPT: Final = 4_000_000
"""Characters that are kept for one task; beyond it what was cut first goes first."""
MOST_READ: Final = 20_000
"""Characters that one `read_output` gives."""
AROUND: Final = 300
"""Characters that are shown before a place that was looked for."""

READ_OUTPUT: Final = ToolInfo(
    "read_output",
    "Read on in the output of a function that was too long to be shown whole. The cut text names the handle.",
    {
        "type": "object",
        "properties": {
            "handle": {"type": "string", "description": "As the cut text names it, such as output-1."},
            "start": {"type": "integer", "description": "The character to begin at, counted from 0."},
            "chars": {"type": "integer", "description": f"How many characters to read, at most {MOST_READ}."},
            "find": {"type": "string", "description": "Begin at the next place, from start on, where this stands."},
        },
        "required": ["handle"],
        "additionalProperties": False,
    },
    ToolLimits(timeout=None),
)


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    handle: str
    start: int = 0
    chars: int = 8_000
    find: str = ""


class _Kept(msgspec.Struct, frozen=True):
    text: str
    tool: str
    untrusted: bool


class Outputs:
    """The long outputs of one task."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._cut = 0

    def cut(self, tool: str, result: Result, limit: int) -> Result:
        """`result` with at most about `limit` characters of text, and the handle of the whole where it had more."""
        if len(result.text) <= limit:
            return result
        self._cut += 1
        handle = f"output-{self._cut}"
        self._kept[handle] = _Kept(result.text, tool, result.untrusted)
        while len(self._kept) > 1 and sum(len(kept.text) for kept in self._kept.values()) > MOST_KEPT:
            self._kept.popitem(last=False)
        hint = f"read_output(handle={handle!r}, start={_head(limit)}) shows them"
        return msgspec.structs.replace(result, text=shortened(result.text, limit, hint), rest=handle)

    def read(self, arguments: Mapping[str, Any]) -> Result:
        """What `read_output` answers."""
        try:
            asked = msgspec.convert(arguments, _Asked, strict=False)
        except msgspec.ValidationError as error:
            return Result(f"The arguments do not fit: {error}.", ok=False, retry=True)
        kept = self._kept.get(asked.handle)
        if kept is None:
            known = f"There is {', '.join(self._kept)}." if self._kept else "There is none."
            return Result(
                f"No output {asked.handle!r} is kept. {known} It goes when a task is taken up again, and when there is "
                "too much of it; the function that gave it can be called again.",
                ok=False,
                retry=bool(self._kept),
            )
        start = max(0, asked.start)
        if asked.find:
            place = kept.text.casefold().find(asked.find.casefold(), start)
            if place < 0:
                return Result(f"{asked.find!r} does not stand in {asked.handle} from {start} on.", ok=False, retry=True)
            start = max(start, min(place, len(kept.text)) - AROUND)
        end = min(len(kept.text), start + max(1, min(asked.chars, MOST_READ)))
        if start >= len(kept.text):
            return Result(f"{asked.handle} has only {len(kept.text)} characters.", ok=False, retry=True)
        more = f"; more from start={end} on" if end < len(kept.text) else ", which is its end"
        return Result(
            f"[{asked.handle} of {kept.tool}, characters {start} to {end} of {len(kept.text)}{more}]\n"
            f"{kept.text[start:end]}",
            untrusted=kept.untrusted,
        )


def shortened(text: str, limit: int, hint: str = "") -> str:
    """`text` in at most about `limit` characters: its head and its tail, and how much is left out between."""
    if len(text) <= limit:
        return text
    head, tail = _head(limit), limit // 3
    left_out = len(text) - head - tail
    more = f"; {hint}" if hint else ""
    return f"{text[:head]} [... {left_out} characters left out{more} ...] {text[len(text) - tail :]}"


def _head(limit: int) -> int:
    return limit - limit // 3
