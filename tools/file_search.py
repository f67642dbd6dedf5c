"""One search through a folder, a slice at a time. Blocks: each slice belongs in a worker thread."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from typing import Final

from orchestrator.finding import Source
from orchestrator.ports import Result
from tools.file_text import decoded
from tools.folder import FileLimits, Folder, WalkedFile, counted, existing, is_private, read_whole
from tools.matching import APART, CLOSE, LOOSE, PARTLY, SOME, Hit, Query, search_text

__all__ = ["KEPT", "Search"]

SLICE_FILES: Final = 64
SLICE_BYTES: Final = 4_000_000
"""What one stay in the worker thread may read: some tens of milliseconds, so that a cancelled search stops at once."""

KEPT: Final = 200
"""Hits that are kept in memory; beyond it the worst are only counted."""


class Search:
    """One search. Lives in the worker thread, one slice after another; between two slices the loop may look at it."""

    def __init__(self, folder: Folder, path: str, query: Query, limits: FileLimits) -> None:
        self._query = query
        self._limits = limits
        self._skipped: Counter[str] = Counter()
        self._top = folder.locate(path)
        self._where = folder.name(self._top)
        self._files = self._walk(folder, path)
        self._seen = 0
        self._best: list[tuple[float, int, Hit]] = []
        self._counts: Counter[int] = Counter()
        self.stopped: str = ""
        """Why the search did not see everything; empty when it did."""

    def _walk(self, folder: Folder, path: str) -> Iterator[WalkedFile | None]:
        if self._top.is_dir():
            return folder.walk(self._top, self._skipped)
        meant = existing(folder, path, self._top)
        self._where = folder.name(meant)
        return iter([WalkedFile(self._where, str(meant))])

    @property
    def promising(self) -> bool:
        """Whether something has been found that is likely to be what was asked for."""
        return bool(self._counts) and max(self._counts) >= PARTLY

    @property
    def found(self) -> int:
        """Places of the best kind so far."""
        return self._counts[max(self._counts)] if self._counts else 0

    def go_on(self) -> bool:
        """Search one more slice. False when there is no more."""
        read = 0
        for _ in range(SLICE_FILES):
            if read > SLICE_BYTES:
                break
            try:
                file = next(self._files)
            except StopIteration:
                return False
            if file is None:
                continue
            if self._seen >= self._limits.files:
                self.stopped = "that is as many as it may read"
                return False
            read += self._look_at(file)
        return True

    def _look_at(self, file: WalkedFile) -> int:
        if is_private(file.name):
            self._skipped["private"] += 1
            return 0
        try:
            data = read_whole(file.real, self._limits.largest_file)
        except OSError:
            self._skipped["unreadable"] += 1
            return 0
        found = None if data is None else decoded(data)
        if found is None:
            self._skipped["large" if data is None else "binary"] += 1
        text = "" if found is None else found.text  # its name may still be what was asked for
        self._seen += 1
        for hit in search_text(self._query, file.name, text):
            self._counts[hit.tier] += 1
            entry = (hit.score, -sum(self._counts.values()), hit)
            if len(self._best) < KEPT:
                heapq.heappush(self._best, entry)
            else:
                heapq.heappushpop(self._best, entry)
        return len(data or b"")

    def _hits(self) -> list[Hit]:
        if not self._counts:
            return []
        best = max(self._counts)
        ordered = sorted(self._best, key=lambda entry: (-entry[0], -entry[1]))
        return [hit for _, _, hit in ordered if hit.tier == best]

    @property
    def so_far(self) -> str:
        """What a person waiting would like to hear."""
        read = f"{counted(self._seen, 'file')} read"
        hits = self._hits()
        if not hits or hits[0].tier < CLOSE:
            return f"{read}, nothing yet"
        return f"{read}, {counted(self.found, 'hit')}, the best so far in {hits[0].path}"

    def result(self, limit: int) -> Result:
        """What was found, fit to be said; the places themselves are the data and the sources."""
        hits = self._hits()[:limit]
        return Result(
            " ".join([*self._told(hits), *self._remarks()]),
            data={
                "hits": [{"path": hit.path, "line": hit.line, "text": hit.text} for hit in hits],
                "found": self.found,
                "exact": bool(hits) and hits[0].tier > LOOSE,
                "files": self._seen,
                "skipped": dict(self._skipped),
                "stopped": self.stopped,
            },
            sources=tuple(_source(hit) for hit in hits[:5] if hit.tier > SOME or hit is hits[0]),
        )

    def _told(self, hits: list[Hit]) -> Iterator[str]:
        said = f'"{self._query.said}"'
        if not hits:
            where = f" in {self._where}" if self._where else ""
            yield f"Found no {said}{where}; {counted(self._seen, 'file was', 'files were')} read."
            return
        places = counted(self.found, "place")
        best = f"{': ' if self.found == 1 else '; the best is '}{_place(hits[0])}{_quoted(hits[0])}"
        match hits[0].tier:
            case tier if tier > LOOSE:
                yield f"Found {said} in {places}{best}"
            case tier if tier >= PARTLY:
                yield f'Found "{self._query.meant}" in {places}{best}'
            case tier if tier == CLOSE:
                yield f"Nobody wrote {said} like that, but its words stand together in {places}{best}"
            case tier if tier == APART:
                files = counted(self.found, "file has", "files have")
                yield f"Nobody wrote {said} like that, but {files} all its words{best}"
            case _:
                yield f"Found nothing with all the words of {said}; the closest is {_place(hits[0])}{_quoted(hits[0])}"
        also = [_place(hit) for hit in hits[1:4]]
        if also and hits[0].tier > SOME:
            yield f"Also: {', '.join(also)}{' and more' if self.found > len(also) + 1 else ''}."

    def _remarks(self) -> Iterator[str]:
        if self.stopped:
            yield f"The search stopped after {counted(self._seen, 'file')}, because {self.stopped}; there may be more."
        if self._skipped["unreadable"]:
            yield f"{counted(self._skipped['unreadable'], 'file or folder', 'files or folders')} could not be read."


def _place(hit: Hit) -> str:
    return f"{hit.path} line {hit.line}" if hit.line else f"the file {hit.path}"


def _quoted(hit: Hit) -> str:
    """What the place says, without the marks of headings, comments and quotations, which nobody says aloud."""
    text = hit.text.lstrip("#*/\"'>|- ").rstrip("\"'* ")
    if not text:
        return "."
    return f': "{text}"' if text.endswith((".", "!", "?")) else f': "{text}".'


def _source(hit: Hit) -> Source:
    if not hit.line:
        return Source(hit.path, hit.path)
    return Source(f"{hit.path}, line {hit.line}", f"{hit.path}:{hit.line}")
