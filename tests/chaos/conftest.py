"""What the tests of single harms share: a real Redis, and a line to it that can be cut."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import pytest

from tests.chaos.proxy import Proxy
from tests.plugins.redis_server import RedisServer, own_server

__all__ = ["Lines", "own_server"]


class Lines:
    """Opens lines to a Redis that runs."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[tuple[Proxy, str]]:
        """A line, and the URL that leads through it."""
        async with anyio.create_task_group() as tasks:
            proxy = Proxy(self._server.port)
            await tasks.start(proxy.serve)
            yield proxy, f"redis://127.0.0.1:{proxy.port}/0"
            tasks.cancel_scope.cancel()


@pytest.fixture
def lines(own_server: RedisServer) -> Lines:
    """A Redis of the test's own, running, and lines to it."""
    own_server.start()
    return Lines(own_server)
