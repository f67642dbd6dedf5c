"""What a process of a chaos run is told at its start."""

from __future__ import annotations

import os
import threading
import time
from typing import Final

import msgspec

from orchestrator.bus.redis import RedisSettings

__all__ = ["Spec", "end_with_parent"]

_LOOK_S: Final = 1.0
_ORPHANED: Final = 3


class Spec(msgspec.Struct, frozen=True):
    """`url` leads through the line that is cut; `folder` is where everything is written down."""

    name: str
    url: str
    folder: str
    seed: int
    sessions: tuple[str, ...] = ()
    lease_ms: int = 600
    deadline_ms: int = 40_000
    max_attempts: int = 5

    def bus(self) -> RedisSettings:
        """Impatient, so that a short run sees many recoveries."""
        return RedisSettings(
            lease_ms=self.lease_ms,
            max_attempts=self.max_attempts,
            block_ms=self.lease_ms // 2,
            timeout_ms=self.lease_ms,
        )


def end_with_parent() -> None:
    """End this process when the run that started it is gone, however that ended."""
    parent = os.getppid()

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_S)
        os._exit(_ORPHANED)

    threading.Thread(target=look, daemon=True).start()
