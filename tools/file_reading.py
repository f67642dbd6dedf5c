"""Reading a file, and listing a folder. Blocks: belongs in a worker thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path

from orchestrator.errors import ToolRetry
from orchestrator.finding import Source
from orchestrator.ports import Result
from tools.file_text import OTHER_LETTERS, Lines
from tools.folder import FileLimits, Folder, counted, existing, in_folder, is_private, open_file, shown

__all__ = ["names", "read"]


def read(folder: Folder, path: str, start: int, lines: int, limits: FileLimits) -> Result:
    """`lines` lines of a file from line `start` on. Raises `ToolRetry` where there is no such thing to read."""
    if not path.strip():
        raise ToolRetry("No file was named.", "The path is empty.", "Give the name of a file.")
    real = existing(folder, path, folder.locate(path))
    name = folder.name(real)
    if real.is_dir():
        raise ToolRetry(f"{name or 'That'} is a folder.", "Only files can be read.", "List it, or name a file in it.")
    if is_private(name):
        raise ToolRetry(f"{name} is not read.", "Files of passwords and keys stay private.", "Ask the person instead.")
    try:
        data, more, other_letters = _read_part(real, start, lines, limits)
    except OSError as error:
        why = f"{error.strerror or error}."
        raise ToolRetry(f"{name} cannot be read.", why, "Choose another file.") from error
    if data is None:
        raise ToolRetry(f"{name} is not text.", "It holds binary data.", "Choose another file.")
    if not data:
        if start > 1:
            raise ToolRetry(f"{name} has no line {start}.", "It ends before.", "Start at an earlier line.")
        nothing = {"path": name, "start": 1, "end": 0, "more": False, "text": "", "utf8": True}
        return Result(f"{name} is empty.", data=nothing)
    end = start + len(data) - 1
    text = "\n".join(data)
    span = f"line {start}" if end == start else f"lines {start} to {end}"
    whole = start == 1 and not more
    heading = name if whole else f"{name}, {span}{', more follows' if more else ''}"
    heading += f" ({OTHER_LETTERS}):" if other_letters else ":"
    return Result(
        f"{heading}\n{text}",
        data={"path": name, "start": start, "end": end, "more": more, "text": text, "utf8": not other_letters},
        sources=(Source(name if whole else f"{name}, {span}", name if whole else f"{name}:{start}"),),
    )


def _read_part(real: Path, start: int, lines: int, limits: FileLimits) -> tuple[list[str] | None, bool, bool]:
    """The lines wanted, whether more follow, and whether some were no UTF-8. `None`: it is no text."""
    with open(open_file(real), "rb") as file:
        source = Lines(file, limits.line_chars)
        if source.binary:
            return None, False, False
        wanted: list[str] = []
        number, chars = 0, 0
        while source.passed <= limits.scanned_bytes:
            other_letters = source.other_letters
            line = source.next(limits.scanned_bytes)
            if line is None:
                return wanted, False, other_letters
            number += 1
            if number < start:
                source.other_letters = False
                continue
            if len(wanted) >= lines or chars > limits.read_chars:
                return wanted, True, other_letters
            wanted.append(_shortened(line, limits))
            chars += len(wanted[-1])
        return wanted, True, source.other_letters


def _shortened(line: str, limits: FileLimits) -> str:
    line = line.rstrip("\r\n")
    return line if len(line) <= limits.line_chars else f"{line[: limits.line_chars]} ... (the line goes on)"


def names(folder: Folder, path: str, pattern: str, limits: FileLimits) -> Result:
    """What is in a folder, or which files under it fit a pattern. Raises `ToolRetry` when it is no folder."""
    real = folder.locate(path)
    where = folder.name(real) or "The folder"
    if not real.is_dir():
        raise ToolRetry(
            f"There is no folder {shown(path)}.", "Nothing of that name is there.", "List the top folder first."
        )
    skipped: Counter[str] = Counter()
    try:
        if pattern.strip() in ("", "*"):
            found = _children(real)
        else:
            found = list(islice(_fitting(folder, real, pattern.strip(), skipped, limits), limits.listed + 1))
    except OSError as error:
        raise ToolRetry(f"{where} cannot be read.", f"{error.strerror or error}.", "Choose another folder.") from error
    first = found[: limits.listed]
    complete = len(found) <= limits.listed
    text = _told(first, where, "" if pattern.strip() in ("", "*") else pattern.strip(), complete=complete)
    if skipped["unreadable"]:
        text += f" {counted(skipped['unreadable'], 'folder')} could not be read."
    return Result(text, data={"path": folder.name(real), "names": first, "complete": complete})


def _told(found: list[str], where: str, pattern: str, *, complete: bool) -> str:
    fitting = f' that fit "{pattern}"' if pattern else ""
    if not found:
        return f"{where} has nothing{fitting}."
    folders = sum(name.endswith("/") for name in found)
    numbers = [counted(folders, "folder")] if folders else []
    if len(found) > folders:
        numbers.append(counted(len(found) - folders, "file"))
    more = "" if complete else " and more"
    return f"{where} has {' and '.join(numbers)}{fitting}{more}: {', '.join(found)}{more}."


def _children(real: Path) -> list[str]:
    """Folders first, with a slash. Links are named too; whether they may be followed shows when somebody tries."""
    entries = [(kind != "folder", name) for name, kind in in_folder(real)]
    return [shown(name) + ("" if is_file else "/") for is_file, name in sorted(entries)]


def _fitting(folder: Folder, real: Path, pattern: str, skipped: Counter[str], limits: FileLimits) -> Iterator[str]:
    wanted = pattern.casefold()
    for file in islice(folder.walk(real, skipped), limits.files):
        if file is None:
            continue
        name = file.name.casefold()
        if fnmatchcase(name if "/" in wanted else name.rpartition("/")[2], wanted):
            yield file.name
