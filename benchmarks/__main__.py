"""`python -m benchmarks [NAME ...] [--quick] [--json]`: measures, and prints a table."""

from __future__ import annotations

import argparse
import sys

import msgspec

from benchmarks import handoff, micro_turn, speech_timing

BENCHMARKS = {"micro_turn": micro_turn.run, "speech_timing": speech_timing.run, "handoff": handoff.run}


def main() -> None:
    """Run what was named, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measures. Ratios are what counts.")
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], help="which (default: all)")
    parser.add_argument("--quick", action="store_true", help="only a look that it works; the figures mean nothing")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    chosen = parser.parse_args()
    tables = {name: BENCHMARKS[name](quick=chosen.quick) for name in chosen.names or BENCHMARKS}
    if chosen.json:
        sys.stdout.buffer.write(msgspec.json.encode(tables) + b"\n")
        return
    for name, figures in tables.items():
        print(f"\n{name}")
        for figure in figures:
            print(f"  {figure.what:<66} {figure.value:>9.2f} {figure.unit:<6} {figure.bar}")


if __name__ == "__main__":
    main()
