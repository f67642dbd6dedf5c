"""Whether a Redis answers, and which one it is."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from orchestrator.bus.redis_client import RedisClient

__all__ = ["OLDEST", "Reached", "reach", "shown", "trouble"]

OLDEST: Final = (6, 2)
HOW: Final = {"server": "a server", "sentinel": "the primary that the sentinels name", "cluster": "a node of a Cluster"}


class Reached(msgspec.Struct, frozen=True):
    """What came of asking. `problem` is empty when it answered; then the rest is known."""

    problem: str = ""
    version: str = ""
    """As the makers count. A Valkey counts on from Redis 7.2."""
    roundtrip_ms: float = 0.0
    product: str = "Redis"
    how: str = ""
    """How the address finds it: a server, by sentinels, a Cluster."""
    in_cluster: bool = False
    appends: bool | None = None
    """Whether it writes down what it is told, and so has it after a restart; `None`: it is not known."""
    evicts: str = ""
    """What it throws away when its memory is full; empty where that is nothing, or not known."""

    @property
    def too_old(self) -> bool:
        """Whether it lacks commands that Duologue needs."""
        return not self.problem and tuple(int(part) for part in self.version.split(".")[:2] if part.isdigit()) < OLDEST

    @property
    def wrong_form(self) -> bool:
        """Whether it is a node of a Cluster, and the address speaks of a server by itself."""
        return self.in_cluster and self.how == HOW["server"]


def shown(url: str) -> str:
    """The address without its secrets."""
    from orchestrator.bus.redis_client import shown_url

    return shown_url(url)


async def trouble(client: RedisClient) -> str:
    """Why it takes nothing just now; empty where it does. One that is full, or a replica, still answers questions."""
    from orchestrator.bus.redis_client import Away, RedisSettings
    from orchestrator.bus.redis_keys import FrontKeys, Keys

    try:
        await client.call("SET", FrontKeys(Keys(RedisSettings().prefix), "doctor").probe, "", "PX", 1_000)
    except Away as away:
        return away.reason
    return ""


async def reach(url: str, *, timeout_ms: int = 2_000) -> Reached:
    """Ask the Redis at `url` who it is. Raises `ConfigError` for an address that is none."""
    from orchestrator.bus.redis_address import parsed
    from orchestrator.bus.redis_client import Away, RedisClient, RedisSettings, checked_url

    how = HOW[parsed(checked_url(url)).kind]
    client = RedisClient(url, RedisSettings(timeout_ms=timeout_ms))
    try:
        begun = await _round_trip(client)
        facts: dict[str, Any] = {}
        for section in ("server", "persistence", "memory", "cluster"):
            facts |= await client.call("INFO", section)
        # A node of a Cluster that is taken for a server by itself may have to refuse the key; that is told otherwise.
        lone_node = facts.get("cluster_enabled") and how == HOW["server"]
        if problem := "" if lone_node else await trouble(client):
            return Reached(problem, how=how)
    except Away as problem:
        return Reached(problem.reason, how=how)
    finally:
        await client.close()
    valkey = "valkey_version" in facts
    policy = str(facts.get("maxmemory_policy", ""))
    return Reached(
        version=str(facts.get("valkey_version" if valkey else "redis_version", "0")),
        roundtrip_ms=round(begun, 1),
        product="Valkey" if valkey else "Redis",
        how=how,
        in_cluster=bool(facts.get("cluster_enabled")),
        appends=bool(facts["aof_enabled"]) if "aof_enabled" in facts else None,
        evicts="" if policy == "noeviction" else policy,
    )


async def _round_trip(client: RedisClient) -> float:
    """How long one takes, in milliseconds. The first one makes the connection, and does not count."""
    await client.call("PING")
    begun = perf_counter()
    await client.call("PING")
    return (perf_counter() - begun) * 1_000
