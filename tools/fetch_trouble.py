"""What goes wrong on the way to a page, where it matters which it was."""

from __future__ import annotations

from orchestrator.errors import ToolFailed

__all__ = ["BrokenOff", "HostUnknown"]


class BrokenOff(ToolFailed):
    """The connection failed, before the answer or within it."""


class HostUnknown(ToolFailed):
    """The name could not be resolved: there is no such host, or no network."""

    def __init__(self, host: str, *, offline: bool) -> None:
        if offline:
            super().__init__(
                "There is no way to the internet just now.",
                f"The name {host} cannot be looked up: the name servers do not answer.",
                "Try again when this machine is online.",
            )
        else:
            super().__init__(
                f"The host {host} cannot be found.",
                "Its name is not known: there is no such host, or this machine is offline.",
                "Look whether it is spelled right.",
            )
        self.offline: bool = offline
