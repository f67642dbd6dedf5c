"""The tutorial of docs/testing.md tells the truth: its pictures are those of the conversations it shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from orchestrator.testing import Conversation

PAGE = Path(__file__).parents[2] / "docs" / "testing.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def names(page: str) -> dict[str, Any]:
    """What the blocks of the tutorial define."""
    tutorial = page.partition("A tutorial\n")[2].partition("\n## ")[0]
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", tutorial, re.DOTALL):
        exec(compile(block, "tutorial", "exec", dont_inherit=True), names)
    return names


def test_the_first_picture(page: str) -> None:
    talk = Conversation()
    talk.tool("trains", "Find the next trains.").returns("The 9:12, direct.", after=2_000)
    talk.person.types("when is the next train to Lyon?", at=0)
    talk.run()
    assert f"```text\n{talk.picture()}\n```" in page


def test_the_picture_of_a_failure(page: str, names: dict[str, Any]) -> None:
    talk = names["train_talk"](timing=names["mine"])
    with pytest.raises(AssertionError) as failure:
        talk.expect.held("9:12", reason="the person has the floor")
    assert f"```text\nAssertionError: {failure.value}\n```" in page
