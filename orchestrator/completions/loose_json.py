"""JSON that may be anything: asked for its kind, in a way that both type checkers follow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

__all__ = ["is_list", "is_object"]


def is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether it is a JSON object."""
    # Nearly always a dict or nothing, and an abstract class takes its time.
    return isinstance(value, dict) or (value is not None and isinstance(value, Mapping))


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether it is a list."""
    return isinstance(value, list)
