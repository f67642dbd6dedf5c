"""`duologue tools list` and `duologue tools schema`.

`list --json` prints `tools`, each with `name`, `description`, `where` (`bundled`, or as it was named), and of `asks`,
`changes`, `timeout` what is so; `problems`; and `offered`: what installed packages have that is not used.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

import anyio
import msgspec

from orchestrator.cli.bundled import chosen_tools
from orchestrator.cli.table import WIDE, Column, clean, table
from orchestrator.discovery import installed
from orchestrator.equipment import sorted_out
from orchestrator.errors import ConfigError
from orchestrator.tool_port import ToolInfo

if TYPE_CHECKING:
    from orchestrator.cli.settings import Settings

__all__ = ["BUNDLED", "Offer", "Offers", "looked", "not_there", "offers", "tools_list", "tools_schema"]

BUNDLED: Final = "bundled"


class Offer(msgspec.Struct, frozen=True):
    """A tool, and where it comes from."""

    info: ToolInfo
    where: str


class Offers(msgspec.Struct, frozen=True):
    """All of them. Where two have one name, only the first is used."""

    each: tuple[Offer, ...]
    problems: tuple[str, ...]

    @property
    def used(self) -> dict[str, Offer]:
        """By name."""
        first: dict[str, Offer] = {}
        for offer in self.each:
            first.setdefault(offer.info.name, offer)
        return first


@asynccontextmanager
async def offers(settings: Settings) -> AsyncGenerator[Offers]:
    """What the settings name, with its sources open meanwhile.

    Raises:
        ConfigError, ToolDefinitionError: as `chosen_tools`.
    """
    fixed, sources = sorted_out(chosen_tools(settings))
    async with AsyncExitStack() as stack:
        opened = [(source.name, await stack.enter_async_context(source.open())) for source in sources]
        each = [Offer(tool.info, BUNDLED) for tool in fixed]
        each += [Offer(tool.info, name) for name, open_ in opened for tool in open_.tools]
        problems = [open_.problem for _, open_ in opened if open_.problem]
        first: dict[str, Offer] = {}
        for offer in each:
            name = offer.info.name
            if first.setdefault(name, offer) is not offer:
                problems.append(
                    f"{name} of {offer.where} is not used: {first[name].where} has that name too; rename it, or leave "
                    "the other out"
                )
        yield Offers(tuple(each), tuple(problems))


def tools_list(settings: Settings, *, as_json: bool) -> int:
    """Print them all. Returns the exit code."""
    found = anyio.run(looked, settings)
    unused = {name: package for name, package in installed().items() if name not in settings.tools}
    if as_json:
        _print_json({"tools": [_told(o) for o in found.used.values()], "problems": found.problems, "offered": unused})
        return 0
    columns = [Column("NAME"), Column("WHAT IT DOES", gives=True), Column("", goes=1), Column("FROM", goes=2)]
    rows = [
        (o.info.name, _sentence(o.info.description), _marks(o.info), o.where)
        for o in sorted(found.used.values(), key=lambda offer: (offer.where != BUNDLED, offer.where))
    ]
    lines = table(columns, rows, _width()) if rows else ["There are no tools: give --tools, or leave --no-bundled out."]
    lines += [f"! {clean(problem)}" for problem in found.problems]
    for name, package in unused.items():
        lines.append(clean(f"installed and not used: {name} of {package}; --tools {name} uses it"))
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def tools_schema(settings: Settings, names: Sequence[str]) -> int:
    """Print what models are told: one object where one name is given, else a list. Returns the exit code.

    Raises:
        ConfigError: there is no such tool.
    """
    used = anyio.run(looked, settings).used
    for name in names:
        if name not in used:
            raise not_there(name, used)
    described = [
        {"name": name, "description": used[name].info.description, "parameters": used[name].info.schema}
        for name in names or used
    ]
    _print_json(described[0] if len(names) == 1 else described)
    return 0


def not_there(name: str, used: dict[str, Offer]) -> ConfigError:
    """There is no such tool, for a person."""
    near = get_close_matches(name, used, n=1)
    why = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(used) or 'none'}"
    return ConfigError(f"there is no tool {name!r}", why, "duologue tools list shows them all; --tools names more")


async def looked(settings: Settings) -> Offers:
    """What `offers` gives, when nothing is open any more."""
    async with offers(settings) as found:
        return found


def _told(offer: Offer) -> dict[str, Any]:
    limits = offer.info.limits
    told = {"name": offer.info.name, "description": offer.info.description, "where": offer.where}
    return {**told, "asks": limits.needs_approval, "changes": limits.effects, "timeout": limits.timeout}


def _marks(info: ToolInfo) -> str:
    marks = [(info.limits.needs_approval, "asks first"), (info.limits.effects, "changes things")]
    return ", ".join(name for holds, name in marks if holds)


def _sentence(text: str) -> str:
    """Its first sentence, or its first line where that is shorter."""
    line = text.strip().split("\n", 1)[0]
    head, dot, _ = line.partition(". ")
    return head if dot else line.rstrip(".")


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDE


def _print_json(value: object) -> None:
    sys.stdout.write(f"{json.dumps(msgspec.to_builtins(value), indent=2, ensure_ascii=False)}\n")
