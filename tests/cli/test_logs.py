"""The log goes where it was sent, and never onto the screen."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from orchestrator.cli.logs import logging_to
from orchestrator.errors import ConfigError


def test_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    with logging_to(None):
        logging.getLogger("background").error("it broke")
    assert capfd.readouterr() == ("", "")


def test_into_a_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with logging_to(tmp_path / "log"):
        logging.getLogger("background").info("it began")
        logging.getLogger("background").error("it broke")
    lines = (tmp_path / "log").read_text().splitlines()
    assert [line.partition(" background: ")[2] for line in lines] == ["it began", "it broke"]
    assert capfd.readouterr() == ("", "")


def test_what_was_there_before_is_there_again(tmp_path: Path) -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    with logging_to(tmp_path / "log"), logging_to(None):
        assert len(root.handlers) == len(before[1]) + 2
    assert (root.level, list(root.handlers)) == before


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--log"), logging_to(tmp_path / "nowhere" / "log"):
        pytest.fail("it should not have begun")
