"""Which model is asked, and which one next when it fails for good."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from orchestrator.completions.naming import parse_model
from orchestrator.completions.sharing import Given, SharedEndpoint
from orchestrator.errors import ConfigError

__all__ = ["Fallback", "Given", "Line", "lines"]

Fallback: TypeAlias = str | tuple[str, Given]
"""`"other-model"` on the same endpoint, `"other-model@http://host:8000/v1"` on another, or a model and its endpoint."""


class Line(msgspec.Struct, frozen=True):
    """A model, and the way to it."""

    model: str
    way: SharedEndpoint


def lines(model: str, endpoint: Given, fallbacks: Sequence[Fallback]) -> tuple[Line, ...]:
    """The models in the order in which they are tried. Raises `ConfigError`."""
    first = (_addressed(model) if endpoint is None else None) or _line(model, SharedEndpoint(endpoint, model=model))
    return first, *(_fallback(fallback, first.way) for fallback in fallbacks)


def _fallback(fallback: Fallback, same: SharedEndpoint) -> Line:
    if not isinstance(fallback, str):
        return _line(fallback[0], SharedEndpoint(fallback[1]))
    return _addressed(fallback) or _line(fallback, same)


def _addressed(model: str) -> Line | None:
    """`NAME@URL`; `None` where it is a name alone."""
    if "://" not in model:
        return None
    named = parse_model(model)
    return _line(named.model, SharedEndpoint(named.settings, model=named.model))


def _line(model: str, way: SharedEndpoint) -> Line:
    if not model.strip():
        raise ConfigError("a model without a name cannot be asked", "", "name the model as its server does")
    return Line(model, way)
