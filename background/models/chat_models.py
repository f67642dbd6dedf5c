"""Which model is asked, and which one next when it fails for good."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias, cast

import msgspec

from orchestrator.completions.asking import Completions
from orchestrator.errors import ConfigError

if TYPE_CHECKING:
    from orchestrator.completions.endpoint_settings import EndpointSettings

__all__ = ["Fallback", "Line", "lines"]

Where: TypeAlias = "Completions | EndpointSettings"

Fallback: TypeAlias = "str | tuple[str, Where]"
"""`"other-model"` on the same endpoint, `"other-model@http://host:8000/v1"` on another, or a model and its endpoint."""


class Line(msgspec.Struct, frozen=True):
    """A model, and the way to it."""

    model: str
    completions: Completions


def lines(model: str, endpoint: Where | None, fallbacks: Sequence[Fallback]) -> tuple[Line, ...]:
    """The models in the order in which they are tried. Raises `ConfigError`."""
    first = _line(model, _way(endpoint))
    return first, *(_fallback(fallback, first.completions) for fallback in fallbacks)


def _fallback(fallback: Fallback, same: Completions) -> Line:
    if not isinstance(fallback, str):
        return _line(fallback[0], _way(fallback[1]))
    at = max(fallback.find("@http://"), fallback.find("@https://"))
    if at < 0:
        return _line(fallback, same)
    from orchestrator.completions.endpoint_settings import EndpointSettings

    return _line(fallback[:at], _way(EndpointSettings(base_url=fallback[at + 1 :])))


def _line(model: str, completions: Completions) -> Line:
    if not model.strip():
        raise ConfigError("a model without a name cannot be asked", "", "name the model as its server does")
    return Line(model, completions)


def _way(endpoint: Where | None) -> Completions:
    if endpoint is not None and hasattr(endpoint, "stream"):
        return cast(Completions, endpoint)
    from orchestrator.completions.endpoint import Endpoint

    return Endpoint(cast("EndpointSettings | None", endpoint))
