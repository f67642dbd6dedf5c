"""What can be done with tools without a conversation: options and help only, as in `commands`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import click

from orchestrator.cli.tool_options import tool_options

__all__ = ["tools"]

Chosen: TypeAlias = Mapping[str, object]


@click.group()
def tools() -> None:
    """List tools, show their schemas, and call them without a model."""


@tools.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@tool_options
def list_(chosen: Chosen, as_json: bool) -> int:
    """List the tools there are, as `chat` and `worker` with the same options have them."""
    from orchestrator.cli.settings import load
    from orchestrator.cli.tool_pages import tools_list

    return tools_list(load(**chosen), as_json=as_json)


@tools.command()
@click.argument("name", nargs=-1)
@tool_options
def schema(name: tuple[str, ...], chosen: Chosen) -> int:
    """Print what a model is told of the tools NAME (default: all), as JSON."""
    from orchestrator.cli.settings import load
    from orchestrator.cli.tool_pages import tools_schema

    return tools_schema(load(**chosen), name)


@tools.command()
@click.argument("name")
@click.argument("argument", nargs=-1)
@click.option("--args", "given", metavar="JSON", help="All arguments as one JSON object; - reads it from stdin.")
@click.option("--yes", is_flag=True, help="Answer with yes when the tool asks for leave.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line: progress, and the result last.")
@tool_options
def call(
    name: str,
    argument: tuple[str, ...],
    given: str | None,
    yes: bool,
    as_json: bool,
    chosen: Chosen,
) -> int:
    """Call the tool NAME, within all its limits, and without a model.

    An ARGUMENT is KEY=VALUE; a value alone is the one argument that the tool must have. Progress goes to stderr, the
    result to stdout. What the tool asks, you are asked. Exit code: 0, 1 where the tool failed, 2 where its arguments
    do not fit.

    \b
    duologue tools call calculate "2 * 21"
    duologue tools call convert value=5 unit_from=km unit_to=miles
    duologue tools call --tools shop.py order number=17
    """
    from orchestrator.cli.settings import load
    from orchestrator.cli.tool_call import tools_call

    settings = load(**chosen)
    return tools_call(settings, name, argument, given=given, yes=yes, as_json=as_json)


@tools.command("serve-mcp")
@click.option("--http", is_flag=True, help="At an address of this machine, instead of over stdin and stdout.")
@click.option("--host", metavar="HOST", default="127.0.0.1", show_default=True, help="Which: this machine's only.")
@click.option("--port", metavar="PORT", type=click.IntRange(0, 65_535), default=8_720, show_default=True)
@tool_options
def serve_mcp(http: bool, host: str, port: int, chosen: Chosen) -> int:
    """Serve the tools to other programs by the Model Context Protocol (extra `mcp`).

    The program starts `duologue tools serve-mcp` itself and talks over its stdin and stdout; with --http it connects to
    http://127.0.0.1:8720/mcp. Their limits hold; what a tool asks is asked at the program, where that can ask, and is a
    no elsewhere.
    """
    from orchestrator.cli.serve_mcp import serve_mcp as run
    from orchestrator.cli.settings import load

    return run(load(**chosen), http=http, host=host, port=port)
