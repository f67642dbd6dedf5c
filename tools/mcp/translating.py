"""What a server says, in our words: its tools as `ToolInfo`, its answers as `Result`.

Law: a server is a stranger. Its names, descriptions and texts lose what no eye would see, and are bounded; its hints
("I only read") are believed where it is trusted, and nowhere else. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

import msgspec

from orchestrator.tool_port import Result, ToolInfo, ToolLimits
from orchestrator.untrusted import visible, visible_data

if TYPE_CHECKING:
    import mcp_types

__all__ = ["Terms", "info_of", "result_of"]

MOST_ABOUT: Final = 2_000
"""Characters of a description; more is no description."""
TIMEOUT_S: Final = 60.0


class Terms(msgspec.Struct, frozen=True):
    """What of a server is taken, and how far it is believed."""

    prefix: str = ""
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    trusted: bool = False
    read_only: tuple[str, ...] = ()
    """Those that change nothing, whatever the server says; patterns of its own names, as all here."""
    limits: Mapping[str, Mapping[str, Any]] = {}

    def takes(self, name: str) -> bool:
        """Whether a tool of the server is among ours."""
        wanted = not self.only or _fits(name, self.only)
        return wanted and not _fits(name, self.without)

    def unmet(self, names: list[str]) -> list[str]:
        """The patterns that fit no tool at all: probably written wrong."""
        patterns = [*self.only, *self.without, *self.read_only, *self.limits]
        return [each for each in dict.fromkeys(patterns) if not any(fnmatchcase(name, each) for name in names)]


def info_of(tool: mcp_types.Tool, terms: Terms, taken: Mapping[str, Any]) -> ToolInfo:
    """A tool of the server as models are told of it. `taken`: names that are given already."""
    schema = visible_data(tool.input_schema)
    schema.pop("$schema", None)
    schema.setdefault("type", "object")
    schema.setdefault("properties", {})
    about = visible(tool.description or tool.title or tool.name).strip()
    if len(about) > MOST_ABOUT:
        about = f"{about[:MOST_ABOUT]} [...]"
    return ToolInfo(
        _name(f"{terms.prefix}{tool.name}", taken), about or "(not described)", schema, _limits(tool, terms)
    )


def result_of(answer: mcp_types.CallToolResult, terms: Terms, server: str) -> Result:
    """An answer of the server. Where it calls it an error, a model may mend its call: the protocol does not tell apart
    what was called wrongly and what did not work."""
    text = "\n".join(part for part in (_told(item) for item in answer.content) if part)
    data = answer.structured_content
    if not text and data is not None:
        text = json.dumps(data, ensure_ascii=False, indent=1)
    failed = bool(answer.is_error)
    return Result(
        text or (f"{server} says that it failed, and not why." if failed else "Done; there is nothing to show."),
        data=data,
        ok=not failed,
        retry=failed,
        untrusted=not terms.trusted,
    )


def _limits(tool: mcp_types.Tool, terms: Terms) -> ToolLimits:
    hints = tool.annotations if terms.trusted else None
    reads = _fits(tool.name, terms.read_only) or bool(hints and hints.read_only_hint)
    limits = ToolLimits(
        timeout=TIMEOUT_S,
        # To read twice does no harm; of anything else only its maker knows.
        idempotent=reads or bool(hints and hints.idempotent_hint),
        read_only=reads,
    )
    for pattern, given in terms.limits.items():
        if fnmatchcase(tool.name, pattern):
            limits = msgspec.structs.replace(limits, **given)
    return limits


def _told(item: mcp_types.ContentBlock) -> str:
    """A part of an answer as text; what is none is named, since nothing here can show it."""
    match item.type:
        case "text":
            return item.text
        case "image" | "audio":
            return f"[{item.type}, {item.mime_type}, {_size(item.data)}, not shown]"
        case "resource_link":
            return f"[{item.title or item.name}: {item.uri}]"
        case "resource":
            held = item.resource
            text = getattr(held, "text", None)
            kind = held.mime_type or "of no known kind"
            return (
                text
                if isinstance(text, str)
                else f"[{held.uri}, {kind}, {_size(getattr(held, 'blob', ''))}, not shown]"
            )


def _size(base64: str) -> str:
    return f"{len(base64) * 3 // 4:,} bytes"


def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _name(wanted: str, taken: Mapping[str, Any]) -> str:
    fit = plain = re.sub(r"[^A-Za-z0-9_-]", "_", wanted)[:64] or "tool"
    number = 2
    while fit in taken:
        fit = f"{plain[:60]}_{number}"
        number += 1
    return fit
