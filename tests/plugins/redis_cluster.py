"""A Redis Cluster of three nodes, and a replica of the one that serves the keys of the hand-off."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.crc import key_slot

from tests.plugins.redis_kinds import PASSWORD_WRITTEN, RIGHTS_IN_A_CLUSTER, USER, admit
from tests.plugins.redis_sentinels import wait_until
from tests.plugins.redis_server import RedisServer, free_port, started

SLOT = key_slot(b"{0}")
RANGES = ((0, 5460), (5461, 10922), (10923, 16383))


class ClusterNode(RedisServer):
    """One of them."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--repl-diskless-sync-delay", "0"]
        super().__init__(folder, persistent=False, options=options, port=_free_pair())

    def ask(self, *command: object) -> Any:
        """Run one command on it."""
        with self.client() as client:
            return client.execute_command(*command)


class Cluster:
    """All of them. Its methods block: in an async test they stand for what happens outside of the program."""

    def __init__(self, folder: Path, *, replica: bool) -> None:
        self.nodes = [ClusterNode(folder / str(number)) for number in range(3)]
        self._replica = ClusterNode(folder / "replica") if replica else None

    @property
    def url(self) -> str:
        """The address of the whole: two of the nodes, and one that is none."""
        places = ",".join(f"127.0.0.1:{port}" for port in (1, self.nodes[0].port, self.nodes[1].port))
        return f"redis+cluster://{USER}:{PASSWORD_WRITTEN}@{places}"

    @property
    def owner(self) -> ClusterNode:
        """The node that serves the keys of the hand-off."""
        alive = next(node for node in self.nodes if node.is_alive)
        [port] = [primary[1] for first, last, primary, *_ in alive.ask("CLUSTER", "SLOTS") if first <= SLOT <= last]
        return next(node for node in self._everyone() if node.port == port)

    def start(self) -> None:
        """Start them, hand out the slots, and wait until all know of all."""
        for node in self._everyone():
            node.start()
            admit(node, *RIGHTS_IN_A_CLUSTER)
        for node, (first, last) in zip(self.nodes, RANGES, strict=True):
            node.ask("CLUSTER", "ADDSLOTS", *range(first, last + 1))
        for number, node in enumerate(self._everyone()):
            # With different epochs there is nothing to argue about.
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        self._meet()
        if self._replica is not None:
            owner = next(node for node, (first, last) in zip(self.nodes, RANGES, strict=True) if first <= SLOT <= last)
            self._replica.ask("CLUSTER", "REPLICATE", owner.ask("CLUSTER", "MYID"))
            wait_until(self._replicated, "the replica of the Cluster")

    def move_slot(self) -> None:
        """Move the slot of the hand-off to another node, with all that is in it, as a rebalancing does."""
        source = self.owner
        target = next(node for node in self.nodes if node is not source)
        names = {node: node.ask("CLUSTER", "MYID") for node in self.nodes}
        target.ask("CLUSTER", "SETSLOT", SLOT, "IMPORTING", names[source])
        source.ask("CLUSTER", "SETSLOT", SLOT, "MIGRATING", names[target])
        while keys := source.ask("CLUSTER", "GETKEYSINSLOT", SLOT, 100):
            source.ask("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)
        for node in (target, source, *self.nodes):
            node.ask("CLUSTER", "SETSLOT", SLOT, "NODE", names[target])

    def kill_owner(self) -> None:
        """kill -9 of the node that serves the hand-off. Its replica needs a while to take over."""
        self.owner.kill()

    def kill(self) -> None:
        """End all of them."""
        for node in self._everyone():
            node.kill()

    def _everyone(self) -> list[ClusterNode]:
        return [*self.nodes, *([self._replica] if self._replica is not None else [])]

    def _meet(self) -> None:
        everyone = self._everyone()
        for one in everyone:
            for other in everyone:
                if other is not one:
                    one.ask("CLUSTER", "MEET", "127.0.0.1", other.port)

        def met() -> bool:
            for node in everyone:
                with node.client() as client:
                    facts: dict[str, str] = client.cluster("INFO")
                if facts["cluster_state"] != "ok" or int(facts["cluster_known_nodes"]) != len(everyone):
                    return False
            return True

        wait_until(met, "the nodes of the Cluster to agree")

    def _replicated(self) -> bool:
        assert self._replica is not None
        with self._replica.client() as client:
            facts = client.info("replication")
        if facts["role"] != "slave" or facts["master_link_status"] != "up":
            return False
        # The others must have heard of it as well: they elect it.
        listed = [str(node.ask("CLUSTER", "NODES")) for node in self.nodes]
        return all("slave" in lines for lines in listed)


def _free_pair() -> int:
    """A port that is free together with the one ten thousand above it, where the nodes talk with each other."""
    while True:
        port = free_port()
        try:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port + 10_000))
            return port
        except (OSError, OverflowError):
            continue


@pytest.fixture(scope="session")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A Cluster that stays as it is; for the tests of a run one after the other."""
    with started(Cluster(tmp_path_factory.mktemp("cluster"), replica=False)) as cluster:
        yield cluster


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A Cluster of the test's own, in which somebody may die."""
    with started(Cluster(tmp_path, replica=True)) as cluster:
        yield cluster
