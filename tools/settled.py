"""What another try would not change."""

from __future__ import annotations

from orchestrator.errors import ToolFailed

__all__ = ["Settled"]


class Settled(ToolFailed):
    """It could not be done, and cannot be until somebody has changed something: a missing key, a wrong declaration. A
    tool that has retries tells it as its result, since a raised `ToolFailed` is tried again."""
