"""What a running tool may ask for, without a task or a person: for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar, cast

from orchestrator.bundle import Bundle
from orchestrator.errors import ToolFailed
from orchestrator.resources import Resources
from orchestrator.tool_port import Resource

__all__ = ["AloneContext", "Given"]

T = TypeVar("T")


class Opener(Protocol):
    """What opens resources."""

    async def use(self, resource: Resource[T]) -> T: ...


class Given:
    """Resources with doubles in their places: what is not given is opened by `others`."""

    def __init__(self, doubles: Mapping[Resource[Any], object], others: Resources) -> None:
        self._doubles = {id(resource): double for resource, double in doubles.items()}
        self._others = others

    async def use(self, resource: Resource[T]) -> T:
        """The double, or what is opened."""
        if id(resource) in self._doubles:
            return cast("T", self._doubles[id(resource)])
        return await self._others.use(resource)


class AloneContext:
    """A `ToolContext` without a task or a person: it notes what a tool tells and gives the answers it was given."""

    def __init__(
        self,
        *,
        answers: Sequence[str] = (),
        approves: bool = True,
        remaining_s: float = 60.0,
        resources: Opener | None = None,
    ) -> None:
        """`resources` opens what a tool shares, as `Resources` does while it is open itself."""
        self._answers = list(answers)
        self._resources = resources
        self._approves = approves
        self._remaining_s = remaining_s
        self.told: list[str] = []
        """What the tool told with `progress`."""
        self.asked: list[str] = []
        """What it asked, with `ask` or `approve`."""

    @property
    def bundle(self) -> Bundle:
        """A bundle with nothing in it."""
        return Bundle(id="alone-1", session="alone", task="")

    @property
    def remaining_s(self) -> float:
        """What was given at construction; it does not run down."""
        return self._remaining_s

    async def progress(self, text: str) -> None:
        """Note it."""
        self.told.append(text)

    async def ask(self, question: str) -> str:
        """The next of the given answers; empty when there is none left."""
        self.asked.append(question)
        return self._answers.pop(0) if self._answers else ""

    async def approve(self, question: str) -> bool:
        """What was given at construction."""
        self.asked.append(question)
        return self._approves

    async def use(self, resource: Resource[T]) -> T:
        """What `resources` opens. Raises `ToolFailed` where there are none: nothing here would close it."""
        if self._resources is None:
            raise ToolFailed(f"{resource.name} cannot be opened here.", "The context was given no resources.")
        return await self._resources.use(resource)
