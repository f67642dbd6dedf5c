"""The hand-off does the same on every kind of Redis that there is an address for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.bus import Bus
from orchestrator.bus.redis import RedisBus, RedisSettings
from orchestrator.testing.bus_checks import CHECKS, BusCheck
from tests.plugins.redis_cluster import Cluster
from tests.plugins.redis_kinds import RIGHTS_TO_LOOK_ON, SMALLEST_RIGHTS
from tests.plugins.redis_sentinels import SentinelGroup
from tests.plugins.redis_server import RedisServer

BUS = Path(__file__).resolve().parents[2] / "orchestrator" / "bus"


class OnSome:
    def __init__(self, url: str) -> None:
        self._url = url

    def bus(self, *, capacity: int = 1_000) -> Bus:
        return RedisBus(self._url, settings=RedisSettings(capacity=capacity))


@pytest.fixture(params=["tls", "unix", "guarded", "sentinels", "cluster"])
def kind(request: pytest.FixtureRequest) -> Iterator[OnSome]:
    if request.param == "sentinels":
        group: SentinelGroup = request.getfixturevalue("shared_sentinels")
        url, server = group.url, group.primary()
    elif request.param == "cluster":
        cluster: Cluster = request.getfixturevalue("shared_cluster")
        url, server = cluster.url, cluster.owner
    else:
        single: RedisServer = request.getfixturevalue(f"{request.param}_server")
        url, server = single.url, single
    with server.client() as client:
        client.flushall()
        client.script_flush()
    yield OnSome(url)
    assert server.keys_without_ttl() == []


@pytest.mark.anyio
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_the_contract(check: BusCheck, kind: OnSome) -> None:
    await check(kind)


def test_the_smallest_rights_are_what_is_used_and_no_more() -> None:
    """What no test of the contract happens to need would else be missed by the first who relies on the list."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(BUS.glob("redis_*.py")))
    used = re.findall(r"redis\.p?call\('([A-Z]+)'(?:, '([A-Z]+)')?", text)
    used += re.findall(r"\.call\(\s*(?:\*\()?\"([A-Z]+)\"(?:, \"([A-Z]+)\")?", text)
    assert len(used) > 20, "the pattern finds nothing any more"
    granted = {right.removeprefix("+") for right in (*SMALLEST_RIGHTS, *RIGHTS_TO_LOOK_ON) if right.startswith("+")}
    parents = {right.partition("|")[0] for right in granted if "|" in right}
    named = {f"{name}|{word}".lower() if name.lower() in parents else name.lower() for name, word in used}
    # What the client needs for itself, and `duologue doctor` for its look.
    named |= {"client|setname", "client|id", "evalsha", "script|load", "info"}
    assert named == granted
