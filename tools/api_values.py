"""What JSON can hold, told apart so that both type checkers follow. Pure."""

from __future__ import annotations

from typing import Any, cast

__all__ = ["as_list", "as_object"]


def as_list(value: object) -> list[Any] | None:
    """`value` where it is a list."""
    return cast("list[Any]", cast("object", value)) if isinstance(value, list) else None


def as_object(value: object) -> dict[str, Any] | None:
    """`value` where it is an object."""
    return cast("dict[str, Any]", cast("object", value)) if isinstance(value, dict) else None
