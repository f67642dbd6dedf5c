"""A model server, and a client for it that does not try again by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from openai import AsyncOpenAI

from orchestrator.testing.model_server import ModelServer
from tests.background.agents.kits import KITS, NAMES, Kit


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer(models=("thinker",), key="right") as server:
        yield server


@pytest.fixture
async def client(server: ModelServer) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=server.base_url, api_key="right", max_retries=0) as client:
        yield client


@pytest.fixture(autouse=True)
def _certificates_are_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on most machines: where these are set, a client that is made on the event loop does not look at files there,
    and the alarm for blocking calls stays silent."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=NAMES)
def kit(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Kit:
    """One SDK; what it would tell its makers stays here."""
    for name in ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_AGENTS_DISABLE_TRACING", "1")
    return KITS[request.param]
