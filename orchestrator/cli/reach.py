"""Whether a Redis answers, and which one it is."""

from __future__ import annotations

from time import perf_counter
from typing import Final

import msgspec

__all__ = ["OLDEST", "Reached", "reach", "shown"]

OLDEST: Final = (6, 2)


class Reached(msgspec.Struct, frozen=True):
    """What came of asking. `problem` is empty when it answered; then `version` and `roundtrip_ms` are known."""

    problem: str = ""
    version: str = ""
    roundtrip_ms: float = 0.0

    @property
    def too_old(self) -> bool:
        """Whether it lacks commands that Duologue needs."""
        return not self.problem and tuple(int(part) for part in self.version.split(".")[:2] if part.isdigit()) < OLDEST


def shown(url: str) -> str:
    """The URL without its password."""
    from orchestrator.bus.redis_client import shown_url

    return shown_url(url)


async def reach(url: str, *, timeout_ms: int = 2_000) -> Reached:
    """Ask the Redis at `url` who it is. Raises `ConfigError` for a URL that is none."""
    from orchestrator.bus.redis_client import Away, RedisClient, RedisSettings, checked_url

    client = RedisClient(checked_url(url), RedisSettings(timeout_ms=timeout_ms))
    try:
        info = _text(await client.call("INFO", "server"))
        begun = perf_counter()
        await client.call("PING")
        took = (perf_counter() - begun) * 1000
    except Away as problem:
        return Reached(problem.reason)
    finally:
        await client.close()
    found = [line.partition(":")[2] for line in info.splitlines() if line.startswith("redis_version:")]
    return Reached(version=found[0].strip() if found else "0", roundtrip_ms=round(took, 1))


def _text(info: object) -> str:
    """The answer to INFO as text, whichever way the client handed it over."""
    if isinstance(info, bytes):
        return info.decode(errors="replace")
    if isinstance(info, dict):
        return "\n".join(f"{key}:{value}" for key, value in info.items())  # pyright: ignore[reportUnknownVariableType]
    return str(info)
