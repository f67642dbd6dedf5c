"""`python -m benchmarks [NAME...] [--small] [--json FILE]`: measure, and print tables."""

from __future__ import annotations

import argparse
import signal
import sys
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import cast

import msgspec

from benchmarks.measuring import Report, table

__all__ = ["NAMES", "main", "measure"]

NAMES = ("micro_turn", "timing_of_speech", "splice", "handoff", "sessions", "grid", "voice", "startup")


def measure(name: str, *, small: bool = False) -> Report:
    """Run one benchmark. It is imported only now: what another one needs must not count in its figures."""
    return cast(Report, import_module(f"benchmarks.{name}").run(small=small))


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmarks that are named, or all of them. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure, and print tables.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which; all by default: {', '.join(NAMES)}")
    parser.add_argument("--small", action="store_true", help="the smallest sizes: shows that it works, measures little")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    given = parser.parse_args(arguments)
    unknown = [name for name in given.names if name not in NAMES]
    if unknown:
        parser.error(f"there is no benchmark called {', '.join(unknown)}; there are {', '.join(NAMES)}")
    reports: list[Report] = []
    for name in given.names or NAMES:
        begun = perf_counter()
        report = measure(name, small=given.small)
        reports.append(report)
        print(f"{table(report)}\n\n({perf_counter() - begun:.0f} s)\n", flush=True)
    if given.json is not None:
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(reports)) + b"\n")
    return 0


def _leave(number: int, frame: object) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    # Else what a benchmark has started would go on without it.
    signal.signal(signal.SIGTERM, _leave)
    sys.exit(main())
