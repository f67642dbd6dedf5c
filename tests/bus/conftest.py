"""What the tests of the bus share: a real Redis."""

from __future__ import annotations

from tests.plugins.redis_server import mortal_server, own_server, redis_server, shared_server

__all__ = ["mortal_server", "own_server", "redis_server", "shared_server"]
