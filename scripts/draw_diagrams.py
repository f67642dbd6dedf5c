"""Draws the state diagrams in docs/states.md from the tables that the core runs on. `make docs` calls it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from orchestrator.floor import FLOOR_TRANSITIONS
from orchestrator.ledger import DELEGATION_TRANSITIONS, FINDING_TRANSITIONS

S = TypeVar("S", bound=str)

PAGE = Path(__file__).parent.parent / "docs" / "states.md"

HEAD = """# States

Drawn by `make docs` from the tables the core runs on (`FLOOR_TRANSITIONS` in `orchestrator/floor.py`,
`DELEGATION_TRANSITIONS` and `FINDING_TRANSITIONS` in `orchestrator/ledger.py`). Do not edit; a test compares.
"""


def diagram(title: str, text: str, arrows: Iterable[tuple[str, str, str]], first: str, ends: Sequence[str]) -> str:
    """One Mermaid state diagram under its heading."""
    lines = [f"    [*] --> {first}"]
    lines += [f"    {source} --> {target}{': ' + label if label else ''}" for source, target, label in arrows]
    lines += [f"    {end} --> [*]" for end in ends]
    return "\n".join([f"## {title}", "", text, "", "```mermaid", "stateDiagram-v2", *lines, "```", ""])


def of_table(title: str, text: str, table: Mapping[S, Sequence[S]]) -> str:
    """A diagram of a table from state to following states."""
    arrows = [(source, target, "") for source, targets in table.items() for target in targets]
    return diagram(title, text, arrows, next(iter(table)), [state for state, targets in table.items() if not targets])


def page() -> str:
    """The whole page."""
    floor = [(source, target, cause) for (source, cause), target in FLOOR_TRANSITIONS.items()]
    return "\n".join(
        [
            HEAD,
            diagram(
                "The floor",
                "Who is speaking. A barge-in is two steps in one instant: the person begins, the assistant ends.",
                floor,
                "nobody",
                [],
            ),
            of_table(
                "A delegation",
                "`running` to `queued`: its worker died or handed it back. `done` to `superseded`: the person wants it "
                "done otherwise.",
                DELEGATION_TRANSITIONS,
            ),
            of_table(
                "A finding",
                "`speaking` to `owed`: its delivery was interrupted. `expired` and `dropped` are closed to finals and "
                "errors: a finished result is never lost to a timer or a policy.",
                FINDING_TRANSITIONS,
            ),
        ]
    )


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"drawn: {PAGE.name}\n")
