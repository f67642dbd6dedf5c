"""A redis-server that is reached in another way than by a plain port: by TLS, by a file, as a user with few rights.

Each also listens on a plain port, for the test's own look from outside.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.plugins.redis_server import RedisServer, free_port, redis_binary, started

USER = "duologue"
PASSWORD = "not/a@secret?#:%"
"""With all that has a meaning of its own in a URL."""
PASSWORD_WRITTEN = "not%2Fa%40secret%3F%23%3A%25"

SMALLEST_RIGHTS = (
    "~duo:{0}:*",
    "resetchannels",
    "-@all",
    *("+ping", "+info", "+client|setname", "+client|id", "+client|unblock"),
    *("+evalsha", "+script|load", "+time", "+exists", "+del", "+set", "+pexpire", "+pttl"),
    *("+hget", "+hgetall", "+hmget", "+hset", "+hdel", "+hincrby", "+lrange", "+lindex", "+llen", "+rpush", "+ltrim"),
    *("+zadd", "+zremrangebyscore"),
    *("+xadd", "+xlen", "+xrange", "+xread", "+xreadgroup", "+xack", "+xdel", "+xtrim", "+xclaim", "+xautoclaim"),
    *("+xgroup|create", "+xgroup|delconsumer", "+xinfo|stream", "+xinfo|consumers"),
)
"""What a user of the hand-off must be allowed, and no more: docs/operations.md shows it."""
RIGHTS_TO_LOOK_ON = (*("+zrevrange", "+hscan", "+hexists", "+xpending", "+xrevrange", "+xinfo|groups"),)
"""What somebody needs besides who looks at it with `duologue top` and `duologue tasks`."""
RIGHTS_BEHIND_SENTINELS = ("+role",)
RIGHTS_IN_A_CLUSTER = ("+cluster|slots",)


class Certificates:
    """An authority of the test's own, and what it has signed."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        signed = authority.issue_cert("localhost", "127.0.0.1")
        self.authority = folder / "authority.pem"
        self.certificate = folder / "certificate.pem"
        self.key = folder / "key.pem"
        authority.cert_pem.write_to_path(self.authority)
        signed.cert_chain_pems[0].write_to_path(self.certificate)
        signed.private_key_pem.write_to_path(self.key)

    def query(self) -> str:
        """The options of an address with which a client trusts the authority, and shows a certificate of its own."""
        return f"ssl_ca_certs={self.authority}&ssl_certfile={self.certificate}&ssl_keyfile={self.key}"


class TlsServer(RedisServer):
    """A Redis that wants to see a certificate, as well as showing one."""

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        self.certificates = certificates
        self.tls_port = free_port()
        files = {"ca-cert": certificates.authority, "cert": certificates.certificate, "key": certificates.key}
        options = [part for name, file in files.items() for part in (f"--tls-{name}-file", str(file))]
        super().__init__(folder, persistent=False, options=["--tls-port", str(self.tls_port), *options])
        self.url = f"rediss://127.0.0.1:{self.tls_port}/0?{certificates.query()}"


class UnixServer(RedisServer):
    """A Redis behind a file."""

    def __init__(self, folder: Path) -> None:
        # Not below the folder of the test: the name of a socket may have about a hundred letters.
        self.path = f"/tmp/duologue-{free_port()}.sock"
        super().__init__(folder, persistent=False, options=["--unixsocket", self.path])
        self.url = f"unix://{self.path}?db=0"

    def kill(self) -> None:
        """End it, and take the file away with it."""
        super().kill()
        Path(self.path).unlink(missing_ok=True)


class GuardedServer(RedisServer):
    """A Redis on which the hand-off has the smallest rights."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, persistent=False)
        self.url = f"redis://{USER}:{PASSWORD_WRITTEN}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, and make the user."""
        super().start()
        admit(self)


def admit(server: RedisServer, *more: str) -> None:
    """Make the user of the hand-off on this server, with the smallest rights."""
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", USER, "reset", "on", f">{PASSWORD}", *SMALLEST_RIGHTS, *more)


def speaks_tls() -> bool:
    """Whether the redis-server that the tests run was built with TLS: then what it misses are the files."""
    tried = subprocess.run(
        [redis_binary(), "--port", "0", "--tls-port", str(free_port())],
        capture_output=True,
        text=True,
        check=False,
        timeout=10,
    )
    return "tls-cert-file" in tried.stdout + tried.stderr


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def tls_server(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[TlsServer]:
    if not speaks_tls():
        pytest.skip("this redis-server was built without TLS")
    with started(TlsServer(tmp_path_factory.mktemp("tls"), certificates)) as server:
        yield server


@pytest.fixture(scope="session")
def unix_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UnixServer]:
    with started(UnixServer(tmp_path_factory.mktemp("unix"))) as server:
        yield server


@pytest.fixture(scope="session")
def guarded_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedServer]:
    with started(GuardedServer(tmp_path_factory.mktemp("guarded"))) as server:
        yield server
