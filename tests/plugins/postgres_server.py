"""A real PostgreSQL for a test: on a free loopback port, in a folder of its own, ended by its own process.

PostgreSQL refuses to run as root, so root hands it to the user `postgres` or `nobody`. Without PostgreSQL, or where
root cannot do that, the tests are skipped; on CI they fail.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest

from tests.plugins.redis_server import free_port

PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
)
# Read once, since some tests empty the environment.
ON_CI = bool(os.environ.get("CI"))


class PostgresServer:
    """One server with a database `shop`. Its methods block: in an async test they stand for what happens outside."""

    def __init__(self, binaries: Path, user: pwd.struct_passwd | None) -> None:
        self._binaries = binaries
        self._user = user
        # Not pytest's own folder: nobody but who runs the tests may enter that.
        self._folder = Path(tempfile.mkdtemp(prefix="duologue-postgres-"))
        self._process: subprocess.Popen[bytes] | None = None
        self.port: int = free_port()
        self.owner = f"postgresql://owner:own%20ed@127.0.0.1:{self.port}/shop"
        """May do everything."""
        self.reader = f"postgresql://reader:read%20only@127.0.0.1:{self.port}/shop"
        """May read, and has no other right."""

    def make(self) -> None:
        """Make its files, start it, and put the roles and the database in."""
        if self._user is not None:
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        words = self._folder / "words"
        words.write_text("own ed")
        words.chmod(0o644)
        done = subprocess.run(
            [
                *(
                    *self._as_user(),
                    str(self._binaries / "initdb"),
                    "--pgdata",
                    str(self._folder / "data"),
                    "--no-sync",
                ),
                *("--username", "owner", "--pwfile", str(words), "--auth", "scram-sha-256", "--encoding", "UTF8"),
                *("--locale", "C", "--no-instructions", "--no-sync"),
            ],
            capture_output=True,
            text=True,
            cwd="/",
            check=False,
        )
        assert done.returncode == 0, done.stderr
        self.start()
        with psycopg.connect(self.owner.replace("/shop", "/postgres"), autocommit=True) as connection:
            connection.execute("create database shop")
            connection.execute("create role reader login password 'read only'")

    def start(self) -> None:
        """Start it, on the same port and with what it had."""
        self._process = subprocess.Popen(
            [
                *(
                    *self._as_user(),
                    str(self._binaries / "postgres"),
                    "-D",
                    str(self._folder / "data"),
                    "-p",
                    str(self.port),
                ),
                *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"),
                *("-p", str(self.port), "-c", "log_min_messages=panic", "-c", "max_connections=20"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
        )
        until = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.owner.replace("/shop", "/postgres"), connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > until or self._process.poll() is not None:
                    pytest.fail("postgres did not start")
                time.sleep(0.02)

    @property
    def is_alive(self) -> bool:
        """Whether it has been started and not been killed."""
        return self._process is not None

    def kill(self) -> None:
        """End it at once, all its processes with it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
            self._process = None

    @contextmanager
    def hanging(self) -> Generator[None]:
        """Meanwhile connections of our tools stay open, and nothing is answered, no cancel and no new connection."""
        assert self._process is not None
        pids = [pid for (pid,) in self.rows("select pid from pg_stat_activity where application_name = 'duologue'")]
        pids.append(self._process.pid)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def remove(self) -> None:
        """End it, and leave nothing behind."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, sql: str) -> None:
        """As its owner."""
        with psycopg.connect(self.owner, autocommit=True) as connection:
            connection.execute(sql.encode())

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """As its owner, for a look from outside."""
        with psycopg.connect(self.owner, autocommit=True) as connection:
            return connection.execute(sql.encode()).fetchall()

    def running(self) -> list[str]:
        """The queries that our tools have it work on now."""
        sql = "select query from pg_stat_activity where application_name = 'duologue' and state = 'active'"
        return [str(query) for (query,) in self.rows(sql)]

    def connections(self) -> int:
        """How many our tools have. One that they have closed counts until the server has noticed."""
        sql = "select count(*) from pg_stat_activity where application_name = 'duologue'"
        ((count,),) = self.rows(sql)
        return int(count)

    def waits_for_nobody(self) -> None:
        """Until none of our tools is connected. Blocks."""
        until = time.monotonic() + 10
        while self.connections():
            if time.monotonic() > until:
                pytest.fail(f"{self.connections()} connections stay open")
            time.sleep(0.02)

    def waits_for(self, *, running: int) -> None:
        """Until so many queries run. Blocks."""
        until = time.monotonic() + 10
        while len(self.running()) != running:
            if time.monotonic() > until:
                pytest.fail(f"{self.running()} are running, not {running}")
            time.sleep(0.02)

    def _as_user(self) -> list[str]:
        if self._user is None:
            return []
        return ["setpriv", f"--reuid={self._user.pw_uid}", f"--regid={self._user.pw_gid}", "--clear-groups"]


def _binaries() -> Path | None:
    found = [folder for place in PLACES for folder in sorted(Path("/").glob(place[1:]))]
    on_path = shutil.which("initdb")
    found += [Path(on_path).parent] if on_path else []
    return next((each for each in reversed(found) if (each / "initdb").exists() and (each / "postgres").exists()), None)


def _user() -> pwd.struct_passwd | None:
    """To whom root hands it; `None` where this is not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    _without("root cannot run PostgreSQL, and there is nobody to hand it to")


def _without(why: str) -> NoReturn:
    if ON_CI:
        pytest.fail(f"{why}: see scripts/ensure-postgres")
    pytest.skip(f"{why}: see scripts/ensure-postgres")


@pytest.fixture(scope="session")
def shared_postgres() -> Iterator[PostgresServer]:
    binaries = _binaries()
    if binaries is None:
        _without("PostgreSQL is not installed")
    user = _user()
    if user is not None and shutil.which("setpriv") is None:
        _without("setpriv is missing, which hands PostgreSQL to another user")
    server = PostgresServer(binaries, user)
    try:
        server.make()
        yield server
    finally:
        server.remove()


@pytest.fixture
def postgres(shared_postgres: PostgresServer) -> Iterator[PostgresServer]:
    """A PostgreSQL with an empty database, shared by the tests of a run one after the other."""
    if not shared_postgres.is_alive:
        shared_postgres.start()
    shared_postgres.waits_for_nobody()
    shared_postgres.run(
        "drop schema if exists public cascade; create schema public; grant usage on schema public to reader; "
        "alter default privileges in schema public grant select on tables to reader"
    )
    yield shared_postgres
