"""The calls of one answer, run side by side: exactly one result each, in call order.

A correction of the person stops what may be stopped; what must not be done twice is awaited, since how it ended must be
known. The same where the time for results is over.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, assert_never

import anyio

from background.models.chat_functions import Question, Use, Wanted, Wrong
from orchestrator.ports import Desk, Result

__all__ = ["CORRECTED", "TOO_LATE", "run"]

CORRECTED: Final = "Stopped before it had a result, since the person corrected the request meanwhile."
TOO_LATE: Final = "Stopped before it had a result: there is no more time for it."


async def run(desk: Desk, wanted: Sequence[Wanted], *, within_s: float) -> list[Result]:
    """Run them. Whatever the desk raises passes, alone and not in a group."""
    calls = _Calls(desk, wanted)
    await calls.run(within_s)
    return calls.results


class _Calls:
    def __init__(self, desk: Desk, wanted: Sequence[Wanted]) -> None:
        self._desk = desk
        self._wanted = wanted
        self._results: dict[int, Result] = {}
        self._errors: list[Exception] = []
        self._stopped = TOO_LATE
        self._all = anyio.CancelScope()

    @property
    def results(self) -> list[Result]:
        return [self._results.get(place) or Result(self._stopped, ok=False) for place in range(len(self._wanted))]

    async def run(self, within_s: float) -> None:
        light: list[Callable[[], Awaitable[None]]] = []
        binding: list[int] = []
        for place, item in enumerate(self._wanted):
            match item:
                case Wrong(problem=problem):
                    self._results[place] = Result(problem, ok=False, retry=True)
                case Question():
                    light.append(self._asking(place, item))
                case Use(harmless=True):
                    light.append(self._using(place))
                case Use():
                    binding.append(place)
                case _:
                    assert_never(item)
        async with anyio.create_task_group() as group:
            self._all = group.cancel_scope
            if binding:
                # In one call, so that the desk sees them in call order.
                group.start_soon(self._kept, self._using(*binding))
            if light:
                group.start_soon(self._stoppable, light, within_s)
        if self._errors:
            raise self._errors[0]

    async def _stoppable(self, steps: Sequence[Callable[[], Awaitable[None]]], within_s: float) -> None:
        left = len(steps)

        async def one(step: Callable[[], Awaitable[None]]) -> None:
            nonlocal left
            await self._kept(step)
            left -= 1
            if not left:
                group.cancel_scope.cancel()

        async def watch() -> None:
            await self._desk.amended()
            self._stopped = CORRECTED
            group.cancel_scope.cancel()

        with anyio.move_on_after(within_s):
            async with anyio.create_task_group() as group:
                group.start_soon(watch)
                for step in steps:
                    group.start_soon(one, step)

    async def _kept(self, step: Callable[[], Awaitable[None]]) -> None:
        try:
            await step()
        except Exception as error:
            self._errors.append(error)
            self._all.cancel()

    def _using(self, *places: int) -> Callable[[], Awaitable[None]]:
        async def use() -> None:
            calls = [item.call for place in places if isinstance(item := self._wanted[place], Use)]
            self._results.update(zip(places, await self._desk.call(*calls), strict=True))

        return use

    def _asking(self, place: int, question: Question) -> Callable[[], Awaitable[None]]:
        async def ask() -> None:
            self._results[place] = Result(f"The person answered: {await self._desk.ask(question.text)}")

        return ask
