"""A server asks the person in the middle of a call (elicitation): put to them through the context of that call.

The question says who asks. What is asked is a stranger's text; what is answered goes to the stranger: so nothing is
answered but what the person says to this very question.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from orchestrator.tool_port import ToolContext
from orchestrator.untrusted import visible

if TYPE_CHECKING:
    import mcp_types

__all__ = ["answered"]

MOST_FIELDS: Final = 4
MOST_QUESTION: Final = 500


async def answered(
    params: mcp_types.ElicitRequestParams, context: ToolContext | None, server: str
) -> mcp_types.ElicitResult | mcp_types.ErrorData:
    """What the person answers. A form of more than a few fields, and a page to be visited, are declined."""
    from mcp_types import INVALID_REQUEST, ElicitResult, ErrorData

    if context is None:
        return ErrorData(code=INVALID_REQUEST, message="Nobody can be asked: it is not known for which call.")
    schema = cast("Mapping[str, Any] | None", getattr(params, "requested_schema", None))
    fields = cast("Mapping[str, Mapping[str, Any]]", (schema or {}).get("properties", {}))
    if schema is None or len(fields) > MOST_FIELDS:
        return ElicitResult(action="decline")
    question = f"{server} asks: {visible(params.message)[:MOST_QUESTION].strip()}"
    if not fields:
        return ElicitResult(action="accept" if await context.approve(question) else "decline", content={})
    content: dict[str, str | int | float | bool | list[str] | None] = {}
    for name, field in fields.items():
        asked = question if len(fields) == 1 else f"{question} {_label(name, field)}?"
        if field.get("type") == "boolean":
            content[name] = await context.approve(asked)
            continue
        answer = _value(await context.ask(_with_choice(asked, field)), field)
        if answer is None:
            return ElicitResult(action="cancel")
        content[name] = answer
    return ElicitResult(action="accept", content=content)


def _label(name: str, field: Mapping[str, Any]) -> str:
    return visible(str(field.get("title") or field.get("description") or name))[:100].rstrip("?. ")


def _with_choice(question: str, field: Mapping[str, Any]) -> str:
    choice = [visible(str(each))[:60] for each in field.get("enum", ())][:10]
    return f"{question} ({', '.join(choice)})" if choice else question


def _value(said: str, field: Mapping[str, Any]) -> str | int | float | None:
    """What was said as the field wants it; `None` where it is nothing of the kind."""
    said = said.strip()
    choice = [str(each) for each in field.get("enum", ())]
    if choice:
        return next((each for each in choice if each.casefold() == said.casefold().rstrip(".!")), None)
    try:
        match field.get("type"):
            case "integer":
                return int(said)
            case "number":
                return float(said)
            case _:
                return said or None
    except ValueError:
        return None
