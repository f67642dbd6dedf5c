"""Where the primary is just now, and a connection to it.

Every key of a hand-off has the same hash tag, so one node serves them all. So the three forms of a Redis differ in one
question only, which is asked whenever a connection is made: where is the primary? A server is it by itself, sentinels
know it by the name of the service, and any node of a Cluster knows who owns the slot of the tag.
"""

from __future__ import annotations

import ssl
from typing import Any, Final, cast

import anyio
import anyio.to_thread
from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.maint_notifications import MaintNotificationsConfig

from orchestrator.bus.redis_address import Address, Place, parsed
from orchestrator.errors import ConfigError

__all__ = ["Primary", "checked"]

# These would be about a pool, or about what the hand-off has settled for itself. They have always been allowed.
WITHOUT_EFFECT: Final = frozenset(
    {
        *("client_name", "decode_responses", "encoding", "encoding_errors", "health_check_interval"),
        *("legacy_responses", "max_connections", "protocol", "retry_on_error", "retry_on_timeout"),
        *("socket_connect_timeout", "socket_timeout", "timeout"),
    }
)
KNOWN_NODES: Final = 32


def checked(url: str) -> Address:
    """What `url` says. Raises `ConfigError` also for an option that redis-py does not know; nothing is contacted."""
    address = parsed(url)
    try:
        for each in (address.server_url, address.sentinel_url):
            if each:
                _connection(each)
    except (TypeError, ValueError, RedisError) as error:
        # Of what redis-py says only the name of an option is passed on: the rest may quote what stands in the address.
        unknown = str(error).rpartition("unexpected keyword argument ")[2] if isinstance(error, TypeError) else ""
        why = f"There is no option {unknown} for it." if unknown else "One of its options has a value that cannot be."
        todo = "Options are those of redis-py, as ssl_ca_certs; those that begin with ssl_ are for rediss:// alone."
        raise ConfigError(f"{address.shown} is not the address of a Redis.", why, todo) from None
    return address


def _connection(url: str, *, sentinel: bool = False) -> AbstractConnection:
    """A connection that is not made yet."""
    options = {name: value for name, value in parse_url(url).items() if name not in WITHOUT_EFFECT}
    kind = cast(Any, options.pop("connection_class", Connection))
    connection: AbstractConnection = kind(
        **options,
        # Whoever uses a connection puts a limit on the whole of what he does with it. redis-py would put one on every
        # single write and read, at the price of a task each.
        socket_timeout=None,
        socket_connect_timeout=None,
        # Not every sentinel knows the newer one, nor names.
        protocol=2 if sentinel else 3,
        legacy_responses=False,
        retry=Retry(NoBackoff(), 0),
        client_name=None if sentinel else "duologue",
        # It would look for its own version on the disk, which blocks the loop.
        driver_info=None,
        # Only one hosted Redis knows them, and asking costs every connection a round trip.
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )
    return connection


class Primary:
    """The node that serves our keys, wherever it is."""

    def __init__(self, address: Address, key: str, timeout_s: float) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._slot = key_slot(key.encode())
        self._known = list(address.places)
        self._tls: ssl.SSLContext | None = None

    def moved_to(self, place: Place) -> None:
        """A node of a Cluster has said who serves our keys now: it is asked first."""
        # Without a name it means its own, which is among those that are known.
        if place[0]:
            self._ask_first(place)

    async def connect(self) -> AbstractConnection:
        """A new connection to the primary. Raises what redis-py raises when there is none, and `TimeoutError`."""
        with anyio.fail_after(self._timeout_s):
            match self._address.kind:
                case "server":
                    return await self._open(self._address.server_url, None)
                case "sentinel":
                    return await self._by_sentinels()
                case "cluster":
                    return await self._by_nodes()

    async def _by_sentinels(self) -> AbstractConnection:
        problems: list[str] = []
        for place in list(self._known):
            try:
                with anyio.fail_after(self._share()):
                    found = await self._named_by(place)
            except (RedisError, OSError) as error:
                problems.append(_located(place, error))
                continue
            if found is None:
                problems.append(f"{_written(place)} does not know the service {self._address.service!r}")
                continue
            # The next time the one that answered comes first.
            self._ask_first(place)
            primary = await self._open(self._address.server_url, found)
            # In the moments of a failover a sentinel may still name the old one, which may be a replica by now.
            [role, *_] = await _ask_or_close(primary, "ROLE")
            if role == b"master":
                return primary
            await primary.disconnect(nowait=True)
            problems.append(f"{_written(found)}, which {_written(place)} names, has become a replica")
        raise RedisConnectionError("; ".join(problems))

    async def _named_by(self, place: Place) -> Place | None:
        sentinel = await self._open(self._address.sentinel_url, place, sentinel=True)
        found = await _ask_or_close(sentinel, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._address.service)
        await sentinel.disconnect(nowait=True)
        return (found[0].decode(), int(found[1])) if found else None

    async def _by_nodes(self) -> AbstractConnection:
        problems: list[str] = []
        for place in list(self._known):
            try:
                node = await self._patiently(place)
            except (RedisError, OSError) as error:
                problems.append(_located(place, error))
                continue
            owner = await self._owner(node, place)
            if owner == place:
                self._ask_first(place)
                return node
            await node.disconnect(nowait=True)
            if owner is None:
                problems.append(f"{_written(place)} knows no node that serves the keys of the hand-off just now")
                continue
            try:
                primary = await self._patiently(owner)
            except (RedisError, OSError) as error:
                problems.append(_located(owner, error))
                continue
            self._ask_first(owner)
            return primary
        raise RedisConnectionError("; ".join(problems))

    async def _owner(self, node: AbstractConnection, asked: Place) -> Place | None:
        # CLUSTER SHARDS would be the newer way, and is not there before Redis 7.
        owner: Place | None = None
        for first, last, primary, *replicas in await _ask_or_close(node, "CLUSTER", "SLOTS"):
            for each in (primary, *replicas):
                # A node that does not know its own name gives none, and means the one that was asked by.
                place = (each[0].decode() if each[0] else asked[0], int(each[1]))
                if place[0] != "?" and place not in self._known and len(self._known) < KNOWN_NODES:
                    self._known.append(place)
                if each is primary and first <= self._slot <= last:
                    owner = place
        return owner

    def _ask_first(self, place: Place) -> None:
        self._known = [place, *(each for each in self._known if each != place)]

    async def _patiently(self, place: Place) -> AbstractConnection:
        with anyio.fail_after(self._share()):
            return await self._open(self._address.server_url, place)

    def _share(self) -> float:
        # One that hangs must not use up the time that the others would need to answer.
        return self._timeout_s / min(4, 1 + len(self._known))

    async def _open(self, url: str, place: Place | None, *, sentinel: bool = False) -> AbstractConnection:
        connection = _connection(url, sentinel=sentinel)
        if place is not None and isinstance(connection, Connection):
            connection.host, connection.port = place
        if isinstance(connection, SSLConnection):
            # Reading certificates takes a while and must not hold up the loop; and once is enough.
            if self._tls is None:
                self._tls = await anyio.to_thread.run_sync(cast(Any, connection.ssl_context).get)
            cast(Any, connection.ssl_context).context = self._tls
        try:
            await cast(Any, connection).connect()
        except BaseException:
            with anyio.CancelScope(shield=True):
                await connection.disconnect(nowait=True)
            raise
        return connection


async def _ask_or_close(connection: AbstractConnection, *command: str) -> Any:
    try:
        await connection.send_command(*command)
        return cast(Any, await connection.read_response())
    except BaseException:
        with anyio.CancelScope(shield=True):
            await connection.disconnect(nowait=True)
        raise


def _located(place: Place, error: Exception) -> str:
    """What the problem is, and where."""
    text = str(error) or ("no answer in time" if isinstance(error, TimeoutError) else type(error).__name__)
    return text if _written(place) in text else f"{_written(place)}: {text}"


def _written(place: Place) -> str:
    return f"{place[0]}:{place[1]}"
