"""The one door to redis-py: clients, scripts, and Redis being away as one kind of error.

Whatever goes wrong between here and a Redis that works is `Away`: refused, hanging, loading, out of memory, read-only,
wrong password. For those who call it the answer is the same: keep what you have, and try again a little later.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Final, TypeAlias, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

import anyio
import msgspec
import redis.asyncio as redis_asyncio
from redis.asyncio.connection import Connection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ResponseError
from redis.maint_notifications import MaintNotificationsConfig

from orchestrator.bus.redis_lua import Script
from orchestrator.errors import ConfigError

__all__ = ["Away", "Backoff", "GroupMissing", "RedisClient", "RedisSettings", "Step", "checked_url", "shown_url"]

Argument: TypeAlias = str | int | bytes
Step: TypeAlias = tuple[Script, Sequence[str], Sequence[Argument]]
"""A script, its keys, and its arguments from the key prefix on."""

COMMAND_CONNECTIONS: Final = 8
COMMAND_RETRIES: Final = 2


class RedisSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the bus behaves on Redis. All times are in milliseconds. All processes of one hand-off share the same."""

    prefix: str = "duo"
    """Begins every key; two hand-offs on one Redis need two."""
    lease_ms: int = 5_000
    """A worker that has not been heard of for this long has lost its tasks to the others."""
    capacity: int = 10_000
    """Unfinished tasks a pool may hold before `submit` raises `BusBusy`."""
    max_attempts: int = 5
    """How many workers may lose a task before it is given up with an error finding."""
    keep_ms: int = 600_000
    """How long a finished task stays known."""
    block_ms: int = 1_000
    """How long one blocking read waits."""
    timeout_ms: int = 2_000
    """After this long without an answer Redis counts as away."""

    def __post_init__(self) -> None:
        for name in ("lease_ms", "capacity", "max_attempts", "keep_ms", "block_ms", "timeout_ms"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} cannot be {getattr(self, name)}.", "It must be at least 1.")
        if not self.prefix or set(self.prefix) & set("{}"):
            raise ConfigError(
                f"The prefix {self.prefix!r} cannot be used.", "It must not be empty, nor hold a curly bracket."
            )


class Away(Exception):
    """Redis cannot do it just now. `reason` is one line for a person and holds no secret."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class GroupMissing(Away):
    """The consumer group is gone, as after a loss of data: make it again and go on."""


class Backoff:
    """How long to wait before the next try: longer each time, never long, and not the same for everybody."""

    def __init__(self, first_s: float = 0.02, most_s: float = 0.4) -> None:
        self._first = first_s
        self._most = most_s
        self._delay = first_s

    def next(self) -> float:
        """Seconds to wait now. Half of it is chance, so that a crowd does not come back in one moment."""
        delay, self._delay = self._delay, min(self._delay * 2, self._most)
        return delay * random.uniform(0.5, 1.0)

    def reset(self) -> None:
        """It worked."""
        self._delay = self._first


def shown_url(url: str) -> str:
    """The URL without its password, for messages."""
    try:
        parts = urlsplit(url)
        _, at, host = parts.netloc.rpartition("@")
        user = f"{parts.username or ''}:***@" if at and parts.password else f"{parts.username}@" if at else ""
        options = [(name, "***" if "pass" in name else value) for name, value in parse_qsl(parts.query)]
    except ValueError:
        return "(a URL that cannot be read)"
    return parts._replace(netloc=user + host, query=urlencode(options, safe="*"), fragment="").geturl()


def checked_url(url: str) -> str:
    """The same URL. Raises `ConfigError` for one that redis-py cannot use; the message holds no password."""
    try:
        parse_url(url)
    except ValueError as error:
        # Its cause is left out: what redis-py says of a broken URL may quote a piece of the password.
        raise ConfigError(
            f"{shown_url(url)} is not the address of a Redis.",
            "It must begin with redis://, rediss:// or unix://, and its port must be a number.",
            "Write it like redis://localhost:6379/0.",
        ) from (error if "scheme" in str(error) else None)
    return url


class RedisClient:
    """Commands and scripts on one Redis. A `reader` has one connection, for blocking reads, and never tries again."""

    def __init__(self, url: str, settings: RedisSettings, *, reader: bool = False) -> None:
        self.connects: int = 0
        """How often a connection was made. When it grows, what is on the other side may have forgotten everything."""
        self.connection_id: int = 0
        """What Redis calls a reader's present connection; the key to waking it up."""
        self._shown = shown_url(url)
        self._reader = reader
        timeout = settings.timeout_ms / 1_000
        # What timed out is not tried again here: a hanging Redis would else hold the caller for several timeouts.
        retry = (
            Retry(NoBackoff(), 0)
            if reader
            else Retry(ExponentialWithJitterBackoff(0.1, 0.02), COMMAND_RETRIES, (RedisConnectionError,))
        )
        pool = redis_asyncio.BlockingConnectionPool.from_url(  # pyright: ignore[reportUnknownMemberType]
            url,
            max_connections=1 if reader else COMMAND_CONNECTIONS,
            timeout=timeout,
            # Beyond BLOCK, or every quiet read would look like a dead connection.
            socket_timeout=timeout + settings.block_ms / 1_000 if reader else timeout,
            socket_connect_timeout=timeout,
            protocol=3,
            legacy_responses=False,
            retry=retry,
            redis_connect_func=self._connected,
            client_name="duologue",
            # It would look for its own version on the disk, which blocks the loop.
            driver_info=None,
            # Only one hosted Redis knows them, and asking costs every connection a round trip.
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )
        self._redis = redis_asyncio.Redis.from_pool(pool)

    async def call(self, *command: Argument) -> Any:
        """Run a command.

        A reader's may be cancelled. Any other runs to its end, or to its timeout: a connection that is dropped in the
        middle of an answer would leave us not knowing what was done.

        Raises:
            Away: it cannot be done just now; whether it was done is not known.
        """
        with anyio.CancelScope(shield=not self._reader):
            try:
                return await cast(Any, self._redis).execute_command(*command)
            except Exception as error:
                raise self._away(error) from error

    async def script(self, step: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> list[Any]:
        """Run one script; see `Step`. Raises `Away`."""
        [result] = await self.scripts([(step, keys, arguments)])
        return result

    async def scripts(self, calls: Sequence[Step]) -> list[list[Any]]:
        """Run several steps in one round trip, each by itself. Raises `Away` when one of them failed."""
        results: list[Any] = []
        with anyio.CancelScope(shield=True):
            try:
                results = await self._send(calls)
                if any(isinstance(result, NoScriptError) for result in results):
                    # Redis was restarted, or its scripts were flushed. Those that ran before do no harm a second time.
                    for source in {step.source for step, _, _ in calls}:
                        await cast(Any, self._redis).execute_command("SCRIPT LOAD", source)
                    results = await self._send(calls)
            except Exception as error:
                raise self._away(error) from error
        for result in results:
            if isinstance(result, Exception):
                raise self._away(result) from result
        return results

    async def close(self) -> None:
        """Close every connection, also one that is in the middle of a read."""
        with anyio.CancelScope(shield=True):
            await cast(Any, self._redis).aclose()

    async def _send(self, calls: Sequence[Step]) -> list[Any]:
        client = cast(Any, self._redis)
        if len(calls) == 1:
            # Most are, and a pipeline is the slower way.
            [(step, keys, arguments)] = calls
            try:
                return [await client.execute_command("EVALSHA", step.sha, len(keys), *keys, *arguments)]
            except NoScriptError as error:
                return [error]
        pipe = client.pipeline(transaction=False)
        for step, keys, arguments in calls:
            pipe.execute_command("EVALSHA", step.sha, len(keys), *keys, *arguments)
        results: list[Any] = await pipe.execute(raise_on_error=False)
        return results

    async def _connected(self, connection: Connection) -> None:
        await cast(Any, connection).on_connect()
        self.connects += 1
        if self._reader:
            await cast(Any, connection).send_command("CLIENT", "ID")
            self.connection_id = await cast(Any, connection).read_response()

    def _away(self, error: Exception) -> Away:
        # redis-py also lets errors through that are not its own, when a connection breaks at an odd moment. No worker
        # and no front end may end because of one.
        text = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, ResponseError) and "NOGROUP" in text:
            return GroupMissing(text)
        return Away(f"Redis at {self._shown}: {text}")
