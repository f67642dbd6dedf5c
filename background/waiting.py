"""Noticing whether a coroutine ever waits for anything."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from functools import partial
from typing import Any, Generic, TypeVar, cast

__all__ = ["Watched"]

T = TypeVar("T")


class Watched(Generic[T]):
    """Awaits `inner`, and calls `waits` when it waits for the first time: never, where it goes through in one go.

    Everything else is as if `inner` were awaited by itself: it runs in the same task, and is cancelled in the same way.
    """

    def __init__(self, inner: Awaitable[T], waits: Callable[[], object]) -> None:
        self._inner = inner
        self._waits = waits

    def __await__(self) -> Generator[Any, Any, T]:
        inner: Generator[Any, Any, T] = self._inner.__await__()
        try:
            awaited = next(inner)
        except StopIteration as done:
            return cast(T, done.value)
        self._waits()
        while True:
            try:
                sent = yield awaited
            except BaseException as error:  # whatever it is, it is for the one within
                resume = partial(inner.throw, error)
            else:
                resume = partial(inner.send, sent)
            try:
                awaited = resume()
            except StopIteration as done:
                return cast(T, done.value)
