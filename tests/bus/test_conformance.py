"""Both hand-offs do what a hand-off must do."""

from __future__ import annotations

import pytest

from orchestrator.bus import Bus
from orchestrator.bus.memory import MemoryBus
from orchestrator.bus.redis import RedisBus, RedisSettings
from orchestrator.testing.bus_checks import CHECKS, BusCheck, BusHarness, check_bus
from tests.plugins.redis_server import RedisServer


class OnMemory:
    def bus(self, *, capacity: int = 1_000) -> Bus:
        return MemoryBus(capacity=capacity)


class OnRedis:
    def __init__(self, server: RedisServer) -> None:
        self._server = server

    def bus(self, *, capacity: int = 1_000) -> Bus:
        return RedisBus(self._server.url, settings=RedisSettings(capacity=capacity))


@pytest.fixture(params=["memory", "redis"])
def harness(request: pytest.FixtureRequest) -> BusHarness:
    if request.param == "memory":
        return OnMemory()
    server: RedisServer = request.getfixturevalue("redis_server")
    return OnRedis(server)


@pytest.mark.anyio
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_the_contract(check: BusCheck, harness: BusHarness) -> None:
    await check(harness)


@pytest.mark.anyio
async def test_all_checks_run_in_a_row() -> None:
    await check_bus(OnMemory())
