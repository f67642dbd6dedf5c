"""Write what the benchmarks print into the pages that show it: `make bench-tables`.

A page shows what a command prints in a block of text behind a line `<!-- duologue bench NAME -->`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

__all__ = ["COMMANDS", "PAGES", "printed", "shown"]

ROOT: Final = Path(__file__).resolve().parents[1]
PAGES: Final = (ROOT / "README.md", ROOT / "docs" / "benchmark.md")
COMMANDS: Final = ("bench splice", "bench interaction")


def printed(command: str, **variables: str) -> str:
    """What `duologue COMMAND` prints: the whole run, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator.cli", *command.split()],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        check=True,
    )
    return done.stdout


def shown(page: str, command: str) -> list[str]:
    """What `page` shows as printed by `duologue COMMAND`."""
    return [found[1] for found in _block(command).finditer(page)]


def _block(command: str) -> re.Pattern[str]:
    # At least one character: an empty match would be followed by another one, of all the text up to the next block.
    return re.compile(rf"(?<=<!-- duologue {command} -->\n\n```text\n)(.+?)(?=^```$)", re.DOTALL | re.MULTILINE)


def main() -> None:
    """Run both benchmarks and put what they print into every page that shows it."""
    tables = {command: printed(command) for command in COMMANDS}
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for command, table in tables.items():
            text = _block(command).sub(table.replace("\\", r"\\"), text)
        page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
