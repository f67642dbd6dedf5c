"""What the tests of model calls share: a real model server."""

from __future__ import annotations

from tests.plugins.real_server import own_real_server, real_server, tiny_model

__all__ = ["own_real_server", "real_server", "tiny_model"]
