"""The hand-off for commands that look at it from outside: which Redis, and what to say when there is none."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from orchestrator.errors import BusUnavailable, ConfigError

if TYPE_CHECKING:
    from orchestrator.bus.redis_client import RedisClient, RedisSettings
    from orchestrator.cli.settings import Settings

__all__ = ["away_error", "hand_off"]

_PATIENT_MS: Final = 1_000
"""Somebody sits in front of it: sooner said than waited."""


@asynccontextmanager
async def hand_off(settings: Settings) -> AsyncGenerator[tuple[RedisClient, RedisSettings, str]]:
    """A client, closed on leaving, how the hand-off is set, and its address.

    Raises:
        ConfigError: no Redis was named, or its URL is none.
    """
    if settings.redis is None:
        raise ConfigError(
            "there is no hand-off to look at, since no Redis was named",
            "without one, each chat works in its own process, and nobody else can look in",
            "give --redis redis://localhost:6379, or set REDIS_URL",
        )
    from orchestrator.bus.redis_client import RedisClient, RedisSettings, checked_url

    bus_settings = RedisSettings(lease_ms=settings.lease_ms, timeout_ms=_PATIENT_MS)
    client = RedisClient(checked_url(settings.redis), bus_settings)
    try:
        yield client, bus_settings, settings.redis
    finally:
        await client.close()


def away_error(reason: str) -> BusUnavailable:
    """Redis does not answer, for a person."""
    return BusUnavailable(
        "the hand-off cannot be reached", reason, "start Redis, or correct --redis or REDIS_URL; duologue doctor helps"
    )
