"""Both stores do what a store must do."""

from __future__ import annotations

import pytest

from orchestrator.bus import Bus
from orchestrator.bus.memory import MemoryBus
from orchestrator.bus.redis import RedisBus, RedisSettings
from orchestrator.testing.store_checks import STORE_CHECKS, StoreCheck, StoreHarness, check_store
from tests.plugins.redis_server import RedisServer


class OnMemory:
    def bus(self) -> Bus:
        return MemoryBus()


class OnRedis:
    """Every bus of it has a prefix of its own, so that the checks may run in a row."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._count = 0

    def bus(self) -> Bus:
        self._count += 1
        return RedisBus(self._server.url, settings=RedisSettings(prefix=f"duo{self._count}", lease_ms=600))


@pytest.fixture(params=["memory", "redis"])
def harness(request: pytest.FixtureRequest) -> StoreHarness:
    if request.param == "memory":
        return OnMemory()
    server: RedisServer = request.getfixturevalue("redis_server")
    return OnRedis(server)


@pytest.mark.anyio
@pytest.mark.parametrize("check", STORE_CHECKS, ids=lambda check: check.__name__)
async def test_the_contract(check: StoreCheck, harness: StoreHarness) -> None:
    await check(harness)


@pytest.mark.anyio
async def test_all_checks_run_in_a_row(harness: StoreHarness) -> None:
    await check_store(harness)
