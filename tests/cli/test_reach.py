"""Which Redis answers, of what kind it is, and what the doctor makes of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from orchestrator.cli.reach import Reached, reach
from tests.cli.conftest import Duologue
from tests.plugins.redis_cluster import Cluster
from tests.plugins.redis_double import redis_double
from tests.plugins.redis_server import RedisServer


def checks(output: str) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in msgspec.json.decode(output)["checks"]}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fixture", "how"),
    [
        ("redis_server", "a server"),
        ("tls_server", "a server"),
        ("unix_server", "a server"),
        ("shared_sentinels", "the primary that the sentinels name"),
        ("shared_cluster", "a node of a Cluster"),
    ],
)
async def test_every_kind_is_reached_and_named(fixture: str, how: str, request: pytest.FixtureRequest) -> None:
    found = await reach(request.getfixturevalue(fixture).url)
    assert found.problem == ""
    assert found.how == how
    assert found.in_cluster is (fixture == "shared_cluster")
    assert (found.appends, found.evicts, found.too_old, found.wrong_form) == (False, "", False, False)
    assert found.roundtrip_ms > 0


@pytest.mark.anyio
async def test_a_valkey_is_called_one() -> None:
    """It gives the version of Redis that it began from, and its own beside it."""

    def answer(command: Any) -> bytes:
        if command[0] != b"INFO":
            return b"+PONG\r\n"
        facts = b"server_name:valkey\r\nredis_version:7.2.4\r\nvalkey_version:8.1.3\r\nmaxmemory_policy:allkeys-lru\r\n"
        return b"$%d\r\n%s\r\n" % (len(facts), facts)

    async with redis_double(answer) as port:
        found = await reach(f"redis://127.0.0.1:{port}")
    assert (found.product, found.version, found.too_old) == ("Valkey", "8.1.3", False)
    assert (found.evicts, found.appends) == ("allkeys-lru", None)


def test_what_may_be_lost_is_said(duologue: Duologue, own_server: RedisServer) -> None:
    own_server.start()
    with own_server.client() as client:
        client.config_set("maxmemory-policy", "volatile-lru")
    done = duologue("doctor", "--json", "--redis", own_server.url)
    found = checks(done.stdout)
    assert found["redis"]["state"] == "ok"
    assert "a server, " in found["redis"]["found"]
    assert found["redis data"]["state"] == found["redis memory"]["state"] == "warn"
    assert "appendonly yes" in found["redis data"]["todo"]
    assert "noeviction" in found["redis memory"]["todo"]
    assert done.returncode == 0, "it works; that it may lose something is the operator's choice"
    with own_server.client() as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("appendonly", "yes")
    found = checks(duologue("doctor", "--json", "--redis", own_server.url).stdout)
    assert found["redis data"]["state"] == "ok"
    assert "redis memory" not in found


@pytest.mark.parametrize(
    ("setting", "value", "todo"),
    [
        ("maxmemory", "1", "make room in it"),
        ("requirepass", "another", "correct the user and the password"),
        ("replicaof", "127.0.0.1 1", "this is a replica"),
    ],
)
def test_a_redis_that_answers_and_takes_nothing(
    duologue: Duologue, own_server: RedisServer, setting: str, value: str, todo: str
) -> None:
    own_server.start()
    with own_server.client() as client:
        if setting == "replicaof":
            client.execute_command("REPLICAOF", *value.split())
        else:
            client.config_set(setting, value)
    result = duologue("doctor", "--redis", own_server.url, "--json")
    check = checks(result.stdout)["redis"]
    assert check["state"] == "fail"
    assert todo in check["todo"]


def test_a_node_of_a_cluster_by_itself_is_the_wrong_address(duologue: Duologue, shared_cluster: Cluster) -> None:
    done = duologue("doctor", "--json", "--redis", shared_cluster.owner.url)
    found = checks(done.stdout)["redis"]
    assert found["state"] == "fail"
    assert "redis+cluster://" in found["todo"]
    assert done.returncode == 3
    done = duologue("doctor", "--json", "--redis", shared_cluster.url)
    assert checks(done.stdout)["redis"]["state"] == "ok"
    assert "secret?" not in done.stdout


def test_a_wrong_address_says_what_is_wrong(duologue: Duologue) -> None:
    done = duologue("chat", "--redis", "redis+sentinel://:s3cret@a,b")
    assert done.returncode == 2
    assert "name of the service is missing" in done.stderr
    assert "redis+sentinel://host1:26379,host2:26379/mymaster" in done.stderr
    assert "s3cret" not in done.stdout + done.stderr


def test_old_is_old_whoever_made_it() -> None:
    assert Reached(version="6.0.16").too_old
    assert not Reached(version="8.1.3", product="Valkey").too_old
