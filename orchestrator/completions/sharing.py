"""One way to a server for many: the sessions of a voice, the tasks of a reasoner."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final, TypeAlias

import anyio

from orchestrator.completions.asking import Completions
from orchestrator.completions.endpoint import Endpoint
from orchestrator.completions.endpoint_settings import EndpointSettings

__all__ = ["Given", "SharedEndpoint"]

Given: TypeAlias = Completions | EndpointSettings | None
"""Where a model is: whatever answers requests (entered by whom it belongs to, and left open), the settings of an
endpoint (which is then opened and closed here), or `None`: what the environment says."""

_LOOK_S: Final = 1.0
"""How long the first that holds it waits to learn what the server is."""


class SharedEndpoint:
    """Opened by the first that holds it, closed by the last; any task may be either."""

    def __init__(self, given: Given = None, *, model: str = "") -> None:
        """`model` is what the server is asked about, where it tells of each. Raises `ConfigError` for an address or a
        profile that is none: here, and not in the middle of a conversation."""
        self._model = model
        self._given: Completions | None = None
        self._settings = EndpointSettings()
        if given is None or isinstance(given, EndpointSettings):
            self._settings = given or self._settings
            Endpoint(self._settings)
        else:
            self._given = given
        self._holders = 0
        self._endpoint: Endpoint | None = None
        self._lock = anyio.Lock()

    @asynccontextmanager
    async def held(self) -> AsyncGenerator[Completions]:
        """What answers requests, open while this is held."""
        if self._given is not None:
            yield self._given
            return
        self._holders += 1
        try:
            yield await self._opened()
        finally:
            with anyio.CancelScope(shield=True):
                await self._leave()

    async def _opened(self) -> Endpoint:
        async with self._lock:
            if self._endpoint is None:
                endpoint = Endpoint(self._settings)
                await endpoint.__aenter__()
                self._endpoint = endpoint
                # What the server can do shapes the prompt; and the first word finds a connection made.
                with anyio.move_on_after(_LOOK_S):
                    await endpoint.detect(self._model)
            return self._endpoint

    async def _leave(self) -> None:
        async with self._lock:
            self._holders -= 1
            if self._holders == 0 and self._endpoint is not None:
                endpoint, self._endpoint = self._endpoint, None
                await endpoint.__aexit__(None, None, None)
