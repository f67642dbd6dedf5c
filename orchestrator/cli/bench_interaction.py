"""`duologue bench interaction`: options and help. Imports nothing but click."""

from __future__ import annotations

from typing import Literal, cast

import click

__all__ = ["interaction"]


@click.command()
@click.option(
    "--voice",
    "voices",
    metavar="NAME",
    multiple=True,
    help="reflex (the default), silent, chat:NAME[@URL], or module:attr of a voice of your own.",
)
@click.option(
    "--seeds", metavar="N", type=click.IntRange(1, 1_000), default=10, show_default=True, help="How many seeds."
)
@click.option("--task", "tasks", metavar="NAME", multiple=True, help="Only this task.")
@click.option(
    "--clock",
    type=click.Choice(["virtual", "real"]),
    help="'virtual' takes no time and gives the same bytes each time; chat: voices need 'real'.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one JSON object.")
def interaction(voices: tuple[str, ...], seeds: int, tasks: tuple[str, ...], clock: str | None, as_json: bool) -> int:
    """Measure how a voice behaves in conversation: pauses, turns, interruptions, cues, times, counts.

    The published task forms as small symbolic scenarios, scored by exact rules. Not the published sets: no figure can
    be compared with a published one. The voice that says nothing is always in the tables: it is their floor.
    """
    from orchestrator.cli.interaction_page import interaction_page

    chosen = cast("Literal['virtual', 'real'] | None", clock)
    return interaction_page(voices, seeds=seeds, tasks=tasks, clock=chosen, as_json=as_json)
