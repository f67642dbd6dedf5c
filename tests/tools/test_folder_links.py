"""A folder that is swapped for a link between the check and the opening leads nowhere."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tools.folder import Folder, open_file, read_whole


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets each folder be opened without following links")
def test_a_folder_swapped_for_a_link_after_the_check_is_not_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "notes").mkdir(parents=True)
    outside.mkdir()
    (root / "notes" / "a.txt").write_text("inside")
    (outside / "a.txt").write_text("secret")
    real = Folder(root).locate("notes/a.txt")
    assert read_whole(real, 100) == b"inside"

    (root / "notes").rename(root / "old")
    (root / "notes").symlink_to(outside)

    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        open_file(real)


def test_refused_and_opened_files_leave_no_descriptor_behind(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    real = Folder(tmp_path).locate("a.txt")
    first = open_file(real)
    os.close(first)
    with pytest.raises(OSError, match="No such file"):
        open_file(real.parent / "missing")
    again = open_file(real)
    os.close(again)
    assert again == first
