"""Write the table of docs/tools-compared.md from what the probes have printed (`*.json` beside this file).

python scripts/peers/write_table.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from rows import ROWS  # noqa: E402

ORDER = ("duologue", "openai_agents", "pydantic_ai", "adk", "langgraph", "strands", "fastmcp")
PAGE = HERE.parents[1] / "docs" / "tools-compared.md"
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"


def probed() -> list[dict[str, Any]]:
    """What each probe has printed."""
    return [json.loads((HERE / f"{name}.json").read_text(encoding="utf-8")) for name in ORDER]


def table() -> str:
    """The table, and below it what shows each answer."""
    found = probed()
    head = "| | " + " | ".join(f"{each['name']} {each['version']}" for each in found) + " |\n"
    lines = [head, "|---|" + "---|" * len(found) + "\n"]
    for row, about in ROWS.items():
        lines.append(f"| {about} | " + " | ".join(each["rows"][row][0] for each in found) + " |\n")
    lines.append("\n### What shows it\n\n")
    lines.append(
        "`run:` was run by the probe; a name in code stands in that package; anything else was looked for by reading.\n"
    )
    for row, about in ROWS.items():
        lines.append(f"\n**{about}**\n\n")
        lines += [f"- {each['name']}: {each['rows'][row][0]}. {each['rows'][row][1]}\n" for each in found]
    return "".join(lines)


def page() -> str:
    """The page with the table in its place."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table()}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
