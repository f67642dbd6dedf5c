"""Bodies unpacked a slice at a time, and never beyond a bound: a bomb fills its bound and no more. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final, Protocol

from orchestrator.errors import ToolFailed

__all__ = ["ACCEPTED", "Unpacking", "unpacking"]

ACCEPTED: Final = "gzip, deflate"
"""What is asked for. Brotli and zstd are not: what they unpack to cannot be bounded by what Python brings along."""
SLICE: Final = 128 * 1024
"""What is unpacked at once: about a third of a millisecond."""


class Unpacking(Protocol):
    """Packed bytes in, plain bytes out."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What `data` comes to, in slices. Raises `ToolFailed` where it is not what it claims to be."""
        ...

    @property
    def whole(self) -> bool:
        """Whether what came has an end."""
        ...


class _Plain:
    whole = True

    def feed(self, data: bytes) -> Iterator[bytes]:
        yield data


class _Zlib:
    """gzip of one or several members, or deflate with its head or (as many servers send it) without."""

    def __init__(self, coding: str) -> None:
        self._gzip = coding == "gzip"
        self._packed = zlib.decompressobj(zlib.MAX_WBITS | 16 if self._gzip else zlib.MAX_WBITS)
        self._begun = False
        self._over = False

    @property
    def whole(self) -> bool:
        return not self._begun or self._packed.eof

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data and not self._over:
            try:
                piece = self._packed.decompress(data, SLICE)
            except zlib.error as problem:
                if self._begun or self._gzip:
                    raise _broken(problem) from None
                self._packed, self._begun = zlib.decompressobj(-zlib.MAX_WBITS), True
                continue
            self._begun = True
            data = self._packed.unconsumed_tail
            if piece:
                yield piece
            if self._packed.eof:
                data = self._packed.unused_data.lstrip(b"\0")
                if not self._gzip or not data.startswith(b"\x1f\x8b"):
                    self._over = True
                    return
                self._packed = zlib.decompressobj(zlib.MAX_WBITS | 16)


def unpacking(coding: str) -> Unpacking:
    """For a `Content-Encoding`. Raises `ToolFailed` for one that was not asked for, or several upon each other."""
    name = coding.strip().lower()
    if name in ("", "identity"):
        return _Plain()
    if name in ("gzip", "x-gzip"):
        return _Zlib("gzip")
    if name == "deflate":
        return _Zlib("deflate")
    raise ToolFailed("The page cannot be unpacked.", f"It is packed as {name[:40]!r}, which was not asked for.")


def _broken(problem: zlib.error) -> ToolFailed:
    return ToolFailed("The page cannot be unpacked.", f"It is not packed as it says ({problem}).")
