"""Writes findings at a steady pace, from a process of its own: `python -m benchmarks.handoff.writing URL PLAN`."""

from __future__ import annotations

import sys
from time import monotonic, sleep

import msgspec

from benchmarks.redis_floor import inspector

__all__ = ["Plan", "main"]


class Plan(msgspec.Struct, frozen=True):
    """What to write: one entry after the other, round after round over the streams and sessions."""

    streams: list[str]
    sessions: list[str]
    payload: bytes
    entries: int
    a_second: int


def main() -> None:
    """Write it all, and end."""
    plan = msgspec.json.decode(sys.argv[2].encode(), type=Plan)
    begun = monotonic()
    with inspector(sys.argv[1]) as client:
        for number in range(plan.entries):
            sleep(max(0.0, begun + number / plan.a_second - monotonic()))
            stream = plan.streams[number % len(plan.streams)]
            session = plan.sessions[number % len(plan.sessions)]
            client.execute_command("XADD", stream, "*", "s", session, "a", 1, "u", plan.payload)


if __name__ == "__main__":
    main()
