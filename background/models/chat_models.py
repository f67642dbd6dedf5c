"""Which model is asked, and which one next when it fails for good."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeAlias

import anyio
import msgspec

from orchestrator.completions.asking import Completions
from orchestrator.completions.endpoint_settings import EndpointSettings
from orchestrator.completions.naming import parse_model
from orchestrator.errors import ConfigError

if TYPE_CHECKING:
    from orchestrator.completions.endpoint import Endpoint

__all__ = ["Fallback", "Given", "Line", "Way", "lines"]

Given: TypeAlias = Completions | EndpointSettings | None
"""Where a model is: whatever answers requests (entered by whom it belongs to), the settings of an endpoint (which is
then opened and closed here), or `None`: what the environment says."""

Fallback: TypeAlias = str | tuple[str, Given]
"""`"other-model"` on the same endpoint, `"other-model@http://host:8000/v1"` on another, or a model and its endpoint."""


_KEPT: ContextVar[Mapping[Way, Completions]] = ContextVar("kept endpoints")
"""What a worker keeps open, seen by the tasks that it starts. Two workers in one process keep one each: a connection
belongs to the task that has opened it."""


class Way:
    """The way to a server."""

    def __init__(self, given: Given) -> None:
        """Raises `ConfigError`."""
        self._completions: Completions | None = None
        self._settings: EndpointSettings | None = None
        if given is None or isinstance(given, EndpointSettings):
            self._settings = given or EndpointSettings()
            _endpoint(self._settings)  # which complains now about what cannot be
        else:
            self._completions = given

    @asynccontextmanager
    async def kept(self) -> AsyncGenerator[None]:
        """Keep it open for all tasks that are started meanwhile."""
        if self._settings is None:
            yield
            return
        async with _endpoint(self._settings) as endpoint, anyio.create_task_group() as aside:
            aside.start_soon(endpoint.warm)
            before = _KEPT.get({})
            _KEPT.set({**before, self: endpoint})
            try:
                yield
            finally:
                _KEPT.set(before)
            aside.cancel_scope.cancel()

    @asynccontextmanager
    async def used(self) -> AsyncGenerator[Completions]:
        """What answers requests, for one task."""
        ready = self._completions or _KEPT.get({}).get(self)
        if ready is not None:
            yield ready
        else:
            async with _endpoint(self._settings) as endpoint:
                yield endpoint


class Line(msgspec.Struct, frozen=True):
    """A model, and the way to it."""

    model: str
    way: Way


def lines(model: str, endpoint: Given, fallbacks: Sequence[Fallback]) -> tuple[Line, ...]:
    """The models in the order in which they are tried. Raises `ConfigError`."""
    first = (_addressed(model) if endpoint is None else None) or _line(model, Way(endpoint))
    return first, *(_fallback(fallback, first.way) for fallback in fallbacks)


def _fallback(fallback: Fallback, same: Way) -> Line:
    if not isinstance(fallback, str):
        return _line(fallback[0], Way(fallback[1]))
    return _addressed(fallback) or _line(fallback, same)


def _addressed(model: str) -> Line | None:
    """`NAME@URL`; `None` where it is a name alone."""
    if "://" not in model:
        return None
    named = parse_model(model)
    return _line(named.model, Way(named.settings))


def _line(model: str, way: Way) -> Line:
    if not model.strip():
        raise ConfigError("a model without a name cannot be asked", "", "name the model as its server does")
    return Line(model, way)


def _endpoint(settings: EndpointSettings | None) -> Endpoint:
    from orchestrator.completions.endpoint import Endpoint

    return Endpoint(settings)
