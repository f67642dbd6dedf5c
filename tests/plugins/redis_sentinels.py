"""A primary with a replica, and sentinels that put the replica in its place when it dies."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.plugins.redis_kinds import PASSWORD_WRITTEN, RIGHTS_BEHIND_SENTINELS, USER, admit
from tests.plugins.redis_server import RedisServer, free_port, redis_binary, started

SERVICE = "duologue"
REPLICATION_PASSWORD = "s3cret"
SENTINEL_PASSWORD = "s3nt1nel"
SENTINELS = 3


class Sentinel:
    """One `redis-server --sentinel`."""

    def __init__(self, folder: Path, primary: RedisServer) -> None:
        self.port = free_port()
        settings = folder / f"sentinel-{self.port}.conf"
        settings.write_text(
            f"port {self.port}\n"
            "bind 127.0.0.1\n"
            f'dir "{folder}"\n'
            "logfile /dev/null\n"
            f"requirepass {SENTINEL_PASSWORD}\n"
            f"sentinel monitor {SERVICE} 127.0.0.1 {primary.port} {SENTINELS // 2 + 1}\n"
            f"sentinel auth-pass {SERVICE} {REPLICATION_PASSWORD}\n"
            f"sentinel down-after-milliseconds {SERVICE} 500\n"
            f"sentinel failover-timeout {SERVICE} 5000\n"
        )
        self._process = subprocess.Popen([redis_binary(), str(settings), "--sentinel"], stdout=subprocess.DEVNULL)

    def client(self) -> Any:
        """A look at it from outside."""
        return redis.Redis(port=self.port, password=SENTINEL_PASSWORD, decode_responses=True, socket_timeout=20)

    def hurries(self) -> bool:
        """Let it look at the servers ten times as often as it would, so that a test is not held up."""
        try:
            with self.client() as client:
                client.execute_command("SENTINEL", "DEBUG", "INFO-PERIOD", "300", "PUBLISH-PERIOD", "200")
        except redis.ConnectionError:
            return False
        except redis.ResponseError:
            # Before Redis 7 it cannot be told.
            pass
        return True

    def kill(self) -> None:
        """End it as kill -9 does."""
        self._process.kill()
        self._process.wait()


class GuardedPair(RedisServer):
    """One of the two servers; a replica where a primary is given."""

    def __init__(self, folder: Path, primary: RedisServer | None) -> None:
        options = [
            "--requirepass",
            REPLICATION_PASSWORD,
            "--masterauth",
            REPLICATION_PASSWORD,
            "--repl-diskless-sync-delay",
            "0",
        ]
        if primary is not None:
            options += ["--replicaof", "127.0.0.1", str(primary.port)]
        folder.mkdir()
        super().__init__(folder, persistent=False, options=options)

    def client(self) -> Any:
        """A client of the test's own, for a look from outside."""
        return redis.Redis(
            port=self.port,
            password=REPLICATION_PASSWORD,
            decode_responses=True,
            encoding_errors="surrogateescape",
            socket_timeout=20,
        )


class SentinelGroup:
    """All of them. Its methods block: in an async test they stand for what happens outside of the program."""

    def __init__(self, folder: Path) -> None:
        self.servers = [first := GuardedPair(folder / "first", None), GuardedPair(folder / "second", first)]
        self._folder = folder
        self.sentinels: list[Sentinel] = []

    @property
    def url(self) -> str:
        """The address of the whole. The last of the sentinels that it names is none."""
        places = ",".join(f"127.0.0.1:{port}" for port in [*(each.port for each in self.sentinels), 1])
        return f"redis+sentinel://{USER}:{PASSWORD_WRITTEN}@{places}/{SERVICE}/0?sentinel_password={SENTINEL_PASSWORD}"

    def start(self) -> None:
        """Start all of them, and wait until they know of each other."""
        for server in self.servers:
            server.start()
            # Users are not replicated.
            admit(server, *RIGHTS_BEHIND_SENTINELS)
        self.sentinels = [Sentinel(self._folder, self.servers[0]) for _ in range(SENTINELS)]
        for sentinel in self.sentinels:
            wait_until(sentinel.hurries, "a sentinel to listen")
        wait_until(self._in_touch, "the sentinels to see each other and the replica")

    def primary(self) -> RedisServer:
        """Who is the primary, as the servers themselves see it."""
        for server in self.servers:
            try:
                with server.client() as client:
                    if client.role()[0] == "master":
                        return server
            except redis.ConnectionError:
                continue
        pytest.fail("there is no primary")

    def fail_over(self) -> None:
        """Let the sentinels change the two, as before maintenance, and wait until it is done."""
        old = self.primary()
        for _ in range(3):
            wait_until(self._agrees_to_change, "the sentinels to see that the replica is fit for it")
            # A Valkey that thinks better of it says nothing, and can be asked again.
            if happens_within(8, lambda: self._known() != old.port):
                break
        wait_until(lambda: self._known() != old.port and self.primary() is not old, "the change of the two")

    def kill_primary(self) -> RedisServer:
        """kill -9 of the primary. Returns at once; the sentinels need a while to notice."""
        old = self.primary()
        old.kill()
        return old

    def kill(self) -> None:
        """End all of them."""
        for sentinel in self.sentinels:
            sentinel.kill()
        for server in self.servers:
            server.kill()

    def _agrees_to_change(self) -> bool:
        with self.sentinels[0].client() as client:
            try:
                client.execute_command("SENTINEL", "FAILOVER", SERVICE)
            except redis.ResponseError:
                return False
        return True

    def _known(self) -> int:
        with self.sentinels[0].client() as client:
            return int(client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)[1])

    def _in_touch(self) -> bool:
        for sentinel in self.sentinels:
            try:
                with sentinel.client() as client:
                    facts = client.sentinel_master(SERVICE)
            except redis.ConnectionError:
                return False
            if facts["num-other-sentinels"] != SENTINELS - 1 or facts["num-slaves"] != 1:
                return False
        with self.servers[1].client() as client:
            return bool(client.info("replication")["master_link_status"] == "up")


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Look again and again."""
    if not happens_within(30, condition):
        pytest.fail(f"waited in vain for {what}")


def happens_within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Look again and again, and say whether it came."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture(scope="session")
def shared_sentinels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SentinelGroup]:
    """A group that stays as it is; for the tests of a run one after the other."""
    with started(SentinelGroup(tmp_path_factory.mktemp("sentinels"))) as group:
        yield group


@pytest.fixture
def sentinels(tmp_path: Path) -> Iterator[SentinelGroup]:
    """A group of the test's own, in which somebody may die."""
    with started(SentinelGroup(tmp_path)) as group:
        yield group
