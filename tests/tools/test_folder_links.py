"""A folder that is swapped for a link between the check and the opening leads nowhere."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

import pytest

from tools.folder import Folder, in_folder, open_file, read_whole


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


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets each folder be opened without following links")
def test_a_walk_does_not_list_a_folder_that_became_a_link_meanwhile(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "a" / "deep").mkdir(parents=True)
    (outside / "deep").mkdir(parents=True)
    (outside / "deep" / "secret.txt").write_text("secret")
    (outside / "secret.txt").write_text("secret")
    skipped: Counter[str] = Counter()
    walk = Folder(root).walk(root, skipped)
    assert [next(walk), next(walk)] == [None, None]  # the root is listed, and its folder is next
    assert in_folder(root / "a") == [("deep", "folder")]

    (root / "a").rename(root / "old")
    (root / "a").symlink_to(outside)

    assert list(walk) == []
    assert skipped["unreadable"] == 1
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        in_folder(root / "a")


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
