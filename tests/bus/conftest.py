"""What the tests of the bus share: a real Redis, of every kind."""

from __future__ import annotations

from tests.plugins.redis_cluster import cluster, shared_cluster
from tests.plugins.redis_kinds import certificates, guarded_server, tls_server, unix_server
from tests.plugins.redis_sentinels import sentinels, shared_sentinels
from tests.plugins.redis_server import mortal_server, own_server, redis_server, shared_server

__all__ = [
    "certificates",
    "cluster",
    "guarded_server",
    "mortal_server",
    "own_server",
    "redis_server",
    "sentinels",
    "shared_cluster",
    "shared_sentinels",
    "shared_server",
    "tls_server",
    "unix_server",
]
