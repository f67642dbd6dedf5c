"""`duologue bench`: what can be measured. Imports nothing but click."""

from __future__ import annotations

import click

from orchestrator.cli.bench_interaction import interaction

__all__ = ["bench"]


@click.group()
def bench() -> None:
    """Measure conversations: the same seeds give the same figures."""


bench.add_command(interaction)
