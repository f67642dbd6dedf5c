"""The repository speaks of the project alone, and what it points to is there."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

# Written in pieces, so that this file does not find itself.
REFUSED = {
    "a path of somebody's machine": re.compile(r"(?<![\w.~-])/(?:" + "|".join(["work", "root", "home"]) + r")/"),
    "an address of a package index": re.compile(
        "|".join([r"pypi\." + "org", "python" + "hosted", r"npm" + r"js\.", r"debian\." + "org", "index" + "-url"])
    ),
}

FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$", re.MULTILINE)


@pytest.fixture(scope="module")
def files(root: Path) -> list[Path]:
    """What is in git, and what would be after `git add`."""
    if not (root / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    return [root / name for name in listed.split("\0") if name and (root / name).is_file()]


def prose(text: str) -> str:
    """Markdown without its code."""
    return INLINE_CODE.sub("", FENCED.sub("", text))


def anchors(markdown: str) -> set[str]:
    """The anchors that headings get: lower case, hyphens for spaces, no punctuation."""
    headings = HEADING.findall(FENCED.sub("", markdown))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def broken_links(page: Path) -> Iterator[str]:
    """Links of a page, within the repository, that lead nowhere."""
    for link in LINK.findall(prose(read(page))):
        if re.match(r"[a-z][a-z0-9+.-]*:", link):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(read(target))):
            yield link


def test_no_file_names_a_machine_or_an_index(root: Path, files: list[Path]) -> None:
    found: list[str] = []
    for path in files:
        text = path.read_bytes().decode("utf-8", errors="replace")
        for number, line in enumerate(text.splitlines(), start=1):
            found += [f"{path.relative_to(root)}:{number}: {what}" for what, it in REFUSED.items() if it.search(line)]
    assert found == []


def test_every_link_leads_somewhere(root: Path, files: list[Path]) -> None:
    pages = [path for path in files if path.suffix == ".md"]
    assert root / "README.md" in pages
    assert [f"{page.relative_to(root)}: {link}" for page in pages for link in broken_links(page)] == []
