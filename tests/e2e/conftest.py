"""What the tests of the whole program share: real processes, the person's files, a Redis where one is needed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.programs import ROOT, Library, Programs
from tests.e2e.terminals import sit
from tests.plugins.redis_server import mortal_server, own_server, redis_server, shared_server

__all__ = ["mortal_server", "own_server", "redis_server", "shared_server", "sit"]


@pytest.fixture
def environment() -> dict[str, str]:
    """An environment that says nothing to Duologue."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DUOLOGUE_", "OPENAI_"))}
    kept.pop("REDIS_URL", None)
    return {**kept, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "LANG": "C.UTF-8"}


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """The person's files, in the folder where the programs start."""
    return Library(tmp_path / "library")


@pytest.fixture
def programs(library: Library, environment: dict[str, str]) -> Iterator[Programs]:
    """Where programs are started; none outlives the test."""
    with Programs(library.folder, environment) as started:
        yield started
