"""A real PostgreSQL for the tests that ask for one."""

from __future__ import annotations

import pydantic
import pytest

from tests.plugins.postgres_server import postgres, shared_postgres
from tests.plugins.redis_server import free_port

__all__ = ["postgres", "shared_postgres"]


# pydantic looks for plugins in the file system when the first model is made; a program does that before its loop runs.
pydantic.create_model("First")


@pytest.fixture
def unused_port() -> int:
    """A port of the loopback that nobody listens on."""
    return free_port()
