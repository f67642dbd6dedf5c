"""Which model is asked, and which one next when it fails for good."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias

import anyio
import msgspec

from orchestrator.completions.asking import Completions
from orchestrator.completions.endpoint_settings import EndpointSettings
from orchestrator.errors import ConfigError

if TYPE_CHECKING:
    from orchestrator.completions.endpoint import Endpoint

__all__ = ["Fallback", "Given", "Line", "Way", "lines"]

Given: TypeAlias = Completions | EndpointSettings | None
"""Where a model is: whatever answers requests (entered by whom it belongs to), the settings of an endpoint (which is
then opened and closed here), or `None`: what the environment says."""

Fallback: TypeAlias = str | tuple[str, Given]
"""`"other-model"` on the same endpoint, `"other-model@http://host:8000/v1"` on another, or a model and its endpoint."""


class Way:
    """The way to a server. One for all tasks: connections are kept while anybody holds it."""

    def __init__(self, given: Given) -> None:
        """Raises `ConfigError`."""
        self._own: Endpoint | None = None
        self.completions: Completions
        if given is not None and not isinstance(given, EndpointSettings):
            self.completions = given
        else:
            from orchestrator.completions.endpoint import Endpoint

            self._own = Endpoint(given)
            self.completions = self._own
        self._holders = 0
        self._open = False
        self._opening: anyio.Event | None = None

    @asynccontextmanager
    async def held(self) -> AsyncGenerator[None]:
        """Open while this is held."""
        self._holders += 1
        try:
            await self._opened()
            yield
        finally:
            self._holders -= 1
            if not self._holders and self._open and self._own is not None:
                self._open = False
                await self._own.__aexit__(None, None, None)

    async def _opened(self) -> None:
        while self._own is not None and not self._open:
            if self._opening is not None:
                await self._opening.wait()
                continue
            self._opening = anyio.Event()
            try:
                await self._own.__aenter__()
                self._open = True
            finally:
                self._opening.set()
                self._opening = None


class Line(msgspec.Struct, frozen=True):
    """A model, and the way to it."""

    model: str
    way: Way

    @property
    def completions(self) -> Completions:
        """What answers requests, while the way is held."""
        return self.way.completions


def lines(model: str, endpoint: Given, fallbacks: Sequence[Fallback]) -> tuple[Line, ...]:
    """The models in the order in which they are tried. Raises `ConfigError`."""
    first = _line(model, Way(endpoint))
    return first, *(_fallback(fallback, first.way) for fallback in fallbacks)


def _fallback(fallback: Fallback, same: Way) -> Line:
    if not isinstance(fallback, str):
        return _line(fallback[0], Way(fallback[1]))
    at = max(fallback.find("@http://"), fallback.find("@https://"))
    if at < 0:
        return _line(fallback, same)
    return _line(fallback[:at], Way(EndpointSettings(base_url=fallback[at + 1 :])))


def _line(model: str, way: Way) -> Line:
    if not model.strip():
        raise ConfigError("a model without a name cannot be asked", "", "name the model as its server does")
    return Line(model, way)
