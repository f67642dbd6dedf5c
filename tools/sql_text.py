"""The text of a query before it goes to a database. Pure.

What a query may do is not decided here: SQL cannot be judged by looking at it, and both databases are told to refuse
what is not reading. Here is only what must be known of the text itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from orchestrator.errors import ToolRetry
from orchestrator.untrusted import hidden

__all__ = ["numbered", "one_statement"]

LONGEST: Final = 20_000

_TOKEN: Final = re.compile(
    r"""
      (?P<gap> \s+ | --[^\n]* | /\*.*?\*/ | ; )
    | [eE]'(?:[^'\\]|\\.|'')*'                     # PostgreSQL: with backslashes
    | '(?:[^']|'')*'
    | "(?:[^"]|"")*"
    | \$(?P<tag>[A-Za-z_]\w*|)\$.*?\$(?P=tag)\$     # PostgreSQL: dollar quotes
    | ::                                            # a cast
    | :(?P<name>[A-Za-z_]\w*)
    | \w+
    | .
    """,
    re.VERBOSE | re.DOTALL,
)


def one_statement(sql: str) -> str:
    """`sql` without what stands around it: blanks, comments and semicolons at its end.

    Raises:
        ToolRetry: there is none, it is too long, or it holds what a person would not see.
    """
    if len(sql) > LONGEST:
        raise ToolRetry("The query is too long.", f"It has {len(sql)} characters, and {LONGEST} are taken.")
    if "\0" in sql or hidden(sql):
        raise ToolRetry(
            "The query holds characters that nobody can see.",
            "What is run has to be what a person would read.",
            "Leave them out, or give the text as a parameter.",
        )
    end = 0
    for token in _TOKEN.finditer(sql):
        if not token["gap"]:
            end = token.end()
    if not end:
        raise ToolRetry("There is no query.", "It is empty.", "Write one SELECT.")
    return sql[:end].lstrip()


def numbered(sql: str, params: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """`:name` as PostgreSQL has it: `$1`, and the values in that order. A name that is not given stays as it stands
    (the end of a slice looks the same).

    >>> numbered("select :a, ':a', x::int, :b, :a", {"a": 1, "b": 2})
    ("select $1, ':a', x::int, $2, $1", [1, 2])
    """
    order: dict[str, int] = {}

    def put(token: re.Match[str]) -> str:
        name = token["name"]
        if name is None or name not in params:
            return token[0]
        return f"${order.setdefault(name, len(order) + 1)}"

    text = _TOKEN.sub(put, sql)
    unused = [name for name in params if name not in order]
    if unused:
        raise ToolRetry(
            f"The query has no :{unused[0]}.", "A parameter is given that it does not name.", "Leave it out, or use it."
        )
    return text, [params[name] for name in order]
