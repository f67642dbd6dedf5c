"""A real PostgreSQL for the tests that ask for one."""

from __future__ import annotations

import tempfile

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


@pytest.fixture
def programs_place(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs of this test run in a place of its own: another process of the test run has some as well."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("programs")))
