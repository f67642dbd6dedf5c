"""Reading JSON of which nothing is sure: whatever is not what it should be counts as empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.completions.loose_json import is_list, is_object

__all__ = ["fields", "items", "text"]


def fields(value: object) -> Mapping[str, Any]:
    """The fields of an object; none where it is no object."""
    return value if is_object(value) else {}


def items(value: object) -> list[Any]:
    """The items of a list; none where it is no list."""
    return value if is_list(value) else []


def text(value: object) -> str:
    """The text; empty where it is none."""
    return value if isinstance(value, str) else ""
