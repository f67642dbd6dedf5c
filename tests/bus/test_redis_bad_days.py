"""What Redis says when it cannot: whatever it is, it is `Away`, with a reason and without a secret."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import anyio.to_thread
import pytest

from orchestrator.bus.redis_client import Away, GroupMissing, RedisClient, RedisSettings
from orchestrator.bus.redis_lua import script
from tests.plugins.redis_cluster import Cluster
from tests.plugins.redis_double import redis_double
from tests.plugins.redis_kinds import Certificates, TlsServer
from tests.plugins.redis_sentinels import SentinelGroup
from tests.plugins.redis_server import RedisServer, redis_is

WRITE = script("return { redis.call('SET', KEYS[1], 'x', 'PX', 10000) }")
QUICK = RedisSettings(timeout_ms=500)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("reply", "tries"),
    [
        ("LOADING Redis is loading the dataset in memory", 3),
        ("READONLY You can't write against a read only replica.", 3),
        ("ERR Error running script (call to f_6b): @user_script: 1: -READONLY You can't write against a replica.", 3),
        ("MASTERDOWN Link with MASTER is down", 3),
        ("MOVED 13907 127.0.0.1:1", 3),
        ("ASK 13907 127.0.0.1:1", 1),
        ("TRYAGAIN Multiple keys request during rehashing of slot", 1),
        ("CLUSTERDOWN Hash slot not served", 1),
        ("MISCONF Redis is configured to save RDB snapshots", 1),
        ("OOM command not allowed when used memory > 'maxmemory'.", 1),
        ("NOREPLICAS Not enough good replicas to write.", 1),
        ("NOPERM this user has no permissions", 1),
        ("WRONGPASS invalid username-password pair", 1),
        ("BUSY Redis is busy running a script.", 1),
    ],
)
async def test_whatever_it_says(reply: str, tries: int) -> None:
    """A server that is not the primary any more has done nothing, so it is asked for again, and a few times at most."""
    asked: list[bytes] = []

    def answer(command: Sequence[bytes]) -> bytes:
        asked.append(command[0])
        return f"-{reply}\r\n".encode()

    async with redis_double(answer) as port:
        for reader in (False, True):
            client = RedisClient(f"redis://127.0.0.1:{port}", QUICK, reader=reader)
            asked.clear()
            with pytest.raises(Away) as away:
                await client.call("XADD", "{0}x", "*", "a", "b")
            assert reply.split(" ", 1)[1][:20] in away.value.reason
            assert len(asked) == (1 if reader else tries), "a reader says so at once: its caller has to know"
            assert client.connects == len(asked)
            await client.close()


@pytest.mark.anyio
async def test_a_group_that_is_gone_is_told_apart() -> None:
    def answer(_: Sequence[bytes]) -> bytes:
        return b"-NOGROUP No such key 'x' or consumer group 'g'\r\n"

    async with redis_double(answer) as port:
        client = RedisClient(f"redis://127.0.0.1:{port}", QUICK, reader=True)
        with pytest.raises(GroupMissing):
            await client.call("XREADGROUP", "GROUP", "g", "c", "STREAMS", "x", ">")
        await client.close()


@pytest.mark.anyio
async def test_what_a_server_repeats_of_what_it_was_told_goes_no_further() -> None:
    """A server that is too old for a command quotes it, with whatever stood in it."""

    def answer(command: Sequence[bytes]) -> bytes:
        quoted = ", ".join(f"'{part.decode()}'" for part in command[1:])
        return f"-ERR unknown command '{command[0].decode()}', with args beginning with: {quoted}\r\n".encode()

    async with redis_double(answer) as port:
        client = RedisClient(f"redis://me:s3cret@127.0.0.1:{port}", QUICK)
        for command in (("XADD", "{0}x", "s3cret"), ("s3cret",)):
            with pytest.raises(Away) as away:
                await client.call(*command)
            assert "s3cret" not in f"{away.value} {away.value.reason}"
        await client.close()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("setting", "trouble", "cured", "word"),
    [
        ("maxmemory", "1", "0", "OOM"),
        ("min-replicas-to-write", "1", "0", "NOREPLICAS"),
        ("replicaof", "127.0.0.1 1", "no one", "READONLY"),
    ],
)
async def test_a_real_one_that_cannot_write(
    own_server: RedisServer, setting: str, trouble: str, cured: str, word: str
) -> None:
    if word == "NOREPLICAS" and not redis_is(since="7.0"):
        pytest.skip("before Redis 7 a script may write all the same")
    own_server.start()
    client = RedisClient(own_server.url, QUICK)

    def change(value: str) -> None:
        with own_server.client() as outside:
            words = ("REPLICAOF", *value.split()) if setting == "replicaof" else ("CONFIG", "SET", setting, value)
            outside.execute_command(*words)

    await client.script(WRITE, ["{0}x"], ["p"])
    change(trouble)
    with pytest.raises(Away, match=word):
        await client.script(WRITE, ["{0}x"], ["p"])
    change(cured)
    assert await client.script(WRITE, ["{0}x"], ["p"]) == [b"OK"]
    await client.close()


@pytest.mark.anyio
async def test_a_reader_is_woken_when_its_server_becomes_a_replica(own_server: RedisServer) -> None:
    own_server.start()
    reader = RedisClient(own_server.url, RedisSettings(block_ms=20_000), reader=True)
    await reader.call("PING")

    def demote() -> None:
        with own_server.client() as outside:
            while "b" not in [each["flags"] for each in outside.client_list()]:
                pass
            outside.execute_command("REPLICAOF", "127.0.0.1", "1")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.to_thread.run_sync, demote)
        with pytest.raises(Away, match="UNBLOCKED"):
            await reader.call("XREAD", "BLOCK", 20_000, "STREAMS", "{0}nothing", "$")
    await reader.call("PING")
    assert reader.connects == 2, "its old connection would read on from a replica, for ever"
    await reader.close()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("right", "wrong", "word"),
    [
        ("/duologue/", "/another/", "does not know the service 'another'"),
        ("s3nt1nel", "wr0ng", "invalid username-password"),
        ("duologue:", "nobody:", "invalid username-password"),
    ],
)
async def test_sentinels_that_cannot_help(shared_sentinels: SentinelGroup, right: str, wrong: str, word: str) -> None:
    client = RedisClient(shared_sentinels.url.replace(right, wrong), QUICK)
    with pytest.raises(Away, match=word) as away:
        await client.call("PING")
    assert not any(secret in str(away.value) for secret in ("s3nt1nel", "wr0ng", "secret?"))
    await client.close()


@pytest.mark.anyio
async def test_a_server_that_sentinels_name_and_that_is_a_replica_is_not_used(
    shared_sentinels: SentinelGroup,
) -> None:
    """In the first moments of a failover they still name the old one."""
    first, second = shared_sentinels.servers
    replica = second if shared_sentinels.primary() is first else first

    def answer(command: Sequence[bytes]) -> bytes:
        assert command[:2] == [b"SENTINEL", b"GET-MASTER-ADDR-BY-NAME"]
        return f"*2\r\n$9\r\n127.0.0.1\r\n${len(str(replica.port))}\r\n{replica.port}\r\n".encode()

    async with redis_double(answer) as port:
        url = shared_sentinels.url.partition("@")[0] + f"@127.0.0.1:{port}/duologue"
        client = RedisClient(url, QUICK)
        with pytest.raises(Away, match="has become a replica"):
            await client.call("PING")
        await client.close()


@pytest.mark.anyio
async def test_a_wrong_door_to_a_cluster_says_where_the_keys_are(shared_cluster: Cluster) -> None:
    """A node by itself is not the whole: it is only ever by chance that it serves the hand-off."""
    other = next(node for node in shared_cluster.nodes if node is not shared_cluster.owner)
    client = RedisClient(other.url, QUICK)
    with pytest.raises(Away, match=f"MOVED .*{shared_cluster.owner.port}"):
        await client.call("XLEN", "duo:{0}:jobs")
    await client.close()


@pytest.mark.anyio
async def test_tls_wants_to_be_shown_the_right_papers(tls_server: TlsServer, certificates: Certificates) -> None:
    bare = f"rediss://127.0.0.1:{tls_server.tls_port}"
    for url in (
        bare,
        f"{bare}?ssl_ca_certs={certificates.authority}",
        f"{bare}?ssl_ca_certs=/nowhere/authority.pem",
        f"redis://127.0.0.1:{tls_server.tls_port}",
    ):
        client = RedisClient(url, QUICK)
        with pytest.raises(Away):
            await client.call("PING")
        await client.close()
    client = RedisClient(f"{bare}?{certificates.query()}&ssl_check_hostname=true", QUICK)
    assert await client.call("ECHO", "hello") == b"hello"
    await client.close()
