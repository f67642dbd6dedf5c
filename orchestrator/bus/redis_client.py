"""The door to Redis: commands, scripts, and Redis being away as one kind of error.

Whatever goes wrong between here and a Redis that works is `Away`: refused, hanging, loading, out of memory, read-only,
wrong password. For those who call it the answer is the same: keep what you have, and try again a little later.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias, cast
from urllib.parse import unquote, urlsplit

import anyio
import hiredis
import msgspec
import redis.asyncio as redis_asyncio
from redis.exceptions import NoScriptError, ResponseError

from orchestrator.bus.redis_address import shown_url
from orchestrator.bus.redis_keys import Keys
from orchestrator.bus.redis_line import Line, NoAnswer, SharedLine
from orchestrator.bus.redis_lua import Script
from orchestrator.bus.redis_primary import Primary, checked
from orchestrator.errors import ConfigError

__all__ = [
    "Away",
    "Backoff",
    "GroupMissing",
    "RedisClient",
    "RedisSettings",
    "Refused",
    "Step",
    "checked_url",
    "shown_url",
]

Argument: TypeAlias = str | int | bytes
Step: TypeAlias = tuple[Script, Sequence[str], Sequence[Argument]]
"""A script, its keys, and its arguments from the key prefix on."""

_client = redis_asyncio.Redis(protocol=3, legacy_responses=False, driver_info=None)
# What redis-py makes of the replies to a command, so that they look as its own users know them.
SHAPES: Final[dict[str, Callable[[Any], Any]]] = {
    str(name).upper(): shape for name, shape in _client.response_callbacks.items()
}


OF_ALL: Final = (
    *("OOM", "maxmemory", "READONLY", "read only", "MISCONF", "LOADING", "loading", "NOAUTH", "WRONGPASS", "NOPERM"),
    *("permission", "CLUSTERDOWN", "MOVED", "ASK", "TRYAGAIN", "MASTERDOWN", "NOREPLICAS", "BUSY", "UNBLOCKED"),
)
"""What Redis says when it is its own trouble, and not that of the one thing it was asked for."""


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
    session_keep_ms: int = 86_400_000
    """How long a session that nobody holds can be taken up again, and its unheard answers with it."""
    block_ms: int = 1_000
    """How long one blocking read waits."""
    timeout_ms: int = 2_000
    """After this long without an answer Redis counts as away."""

    def __post_init__(self) -> None:
        for name in ("lease_ms", "capacity", "max_attempts", "keep_ms", "session_keep_ms", "block_ms", "timeout_ms"):
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


class Refused(Away):
    """Redis works, and does not do this one thing: whatever is wrong is wrong with what it is asked about."""


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


def checked_url(url: str) -> str:
    """The same URL. Raises `ConfigError` for one that cannot be used; the message holds no password."""
    checked(url)
    return url


class RedisClient:
    """Commands and scripts on one Redis. A `reader` has a connection of its own, for blocking reads, and never tries
    again; a `steady` one reads all the time, and is told when its connection was lost even if Redis is back already.
    All others share one connection among all who call at the same time."""

    def __init__(self, url: str, settings: RedisSettings, *, reader: bool = False, steady: bool = False) -> None:
        address = checked(url)
        timeout_s = settings.timeout_ms / 1_000
        self._shown = address.shown
        self._secrets = [secret for each in (address.server_url, address.sentinel_url) for secret in _secrets(each)]
        primary = Primary(address, Keys(settings.prefix).prefix, timeout_s)
        self._line = Line(primary, asks_its_number=reader, steady=steady)
        self._shared = None if reader else SharedLine(self._line, timeout_s)
        # Beyond BLOCK, or every quiet read would look like a dead connection.
        self._patience_s = timeout_s + settings.block_ms / 1_000
        self._timeout_s = timeout_s
        # Taken at once where it is free: a lock that is fair costs a turn of the loop.
        self._one_reader = anyio.Lock(fast_acquire=True)

    @property
    def connects(self) -> int:
        """How often a connection was made. When it grows, what is on the other side may have forgotten everything."""
        return self._line.connects

    @property
    def connection_id(self) -> int:
        """What Redis calls a reader's present connection; the key to waking it up."""
        return self._line.number

    async def call(self, *command: Argument) -> Any:
        """Run a command.

        A reader's may be cancelled. Any other runs to its end, or to its timeout: a connection that is dropped in the
        middle of an answer would leave us not knowing what was done.

        Raises:
            Away: it cannot be done just now; whether it was done is not known.
        """
        name, *arguments = command
        # As everywhere in redis-py, a name may be of two words.
        packed = [_packed(*(name.split() if isinstance(name, str) else (name,)), *arguments)]
        try:
            [reply] = await (self._read(packed) if self._shared is None else self._shared.send(packed))
            if isinstance(reply, Exception):
                raise reply
            shape = SHAPES.get(str(name).upper())
            return reply if shape is None else shape(reply)
        except Exception as error:
            raise self._away(error) from error

    async def script(self, step: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> list[Any]:
        """Run one script; see `Step`. Raises `Away`."""
        [result] = await self.scripts([(step, keys, arguments)])
        if isinstance(result, Refused):
            raise result
        return result

    async def scripts(self, calls: Sequence[Step]) -> list[list[Any] | Refused]:
        """Run several steps in one round trip, each by itself: one that is refused is no harm to the others.

        Raises `Away` when Redis could not do them.
        """
        packed = [_packed("EVALSHA", step.sha, len(keys), *keys, *rest) for step, keys, rest in calls]
        send = self._read if self._shared is None else self._shared.send
        try:
            results = await send(packed)
            if any(isinstance(result, NoScriptError) for result in results):
                # Redis was restarted, or its scripts were flushed. Those that ran before do no harm a second time.
                sources = {step.source for step, _, _ in calls}
                load = [_packed("SCRIPT", "LOAD", source) for source in sources]
                results = (await send([*load, *packed]))[len(load) :]
        except Exception as error:
            raise self._away(error) from error
        for place, result in enumerate(results):
            if isinstance(result, Exception):
                away = self._away(result)
                if not isinstance(away, Refused):
                    raise away from result
                results[place] = away
        return results

    async def close(self) -> None:
        """Close every connection, also one that is in the middle of a read."""
        await self._line.close()

    async def _read(self, packed: list[bytes]) -> list[Any]:
        replies: list[Any] = []
        async with self._one_reader:
            with anyio.CancelScope(deadline=anyio.current_time() + self._patience_s) as limit:
                await self._line.exchange(packed, replies)
        if limit.cancelled_caught:
            raise NoAnswer
        return replies

    def _away(self, error: Exception) -> Away:
        # redis-py also lets errors through that are not its own, when a connection breaks at an odd moment. No worker
        # and no front end may end because of one.
        if isinstance(error, NoAnswer | TimeoutError):
            return Away(f"Redis at {self._shown}: no answer within {self._timeout_s:g} s")
        # Of some errors redis-py takes the first word for a kind, and the rest for the text.
        code = getattr(error, "status_code", None) or ""
        text = " ".join(f"{code} {error}".split()) or type(error).__name__
        # Of a command that it does not know Redis quotes the arguments, which may be anything; of a script, its number.
        text = text.partition(", with args beginning with")[0].partition(" script: ")[0]
        for secret in self._secrets:
            text = text.replace(secret, "***")
        if isinstance(error, ResponseError) and "NOGROUP" in text:
            return GroupMissing(text)
        whole = not isinstance(error, ResponseError) or any(sign in text for sign in OF_ALL)
        return (Away if whole else Refused)(f"Redis at {self._shown}: {text}")


def _packed(*command: Argument) -> bytes:
    # Its declaration asks for a tuple of one.
    packed: bytes = cast(Any, hiredis).pack_command(command)
    return packed


def _secrets(url: str) -> list[str]:
    parts = urlsplit(url)
    return [secret for secret in (parts.password, unquote(parts.password or "")) if secret]
