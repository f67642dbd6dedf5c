"""Resources: opened once at first use, by a task of their own, and closed in the reverse order."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any

import anyio
import pytest

from orchestrator.errors import ToolDefinitionError, ToolFailed
from orchestrator.resources import Resources, resource, resource_in
from orchestrator.testing import run_virtual

log: list[str] = []


@pytest.fixture(autouse=True)
def empty() -> None:
    log.clear()


@resource
async def pool() -> AsyncGenerator[str]:
    log.append("pool opens")
    async with anyio.create_task_group():  # which can only be left by the task that entered it
        yield "a pool"
    log.append("pool closes")


@resource
async def client(of: Annotated[str, pool]) -> AsyncGenerator[list[str]]:
    log.append(f"client opens with {of}")
    yield ["client"]
    log.append("client closes")


@pytest.mark.anyio
async def test_it_is_opened_once_however_many_use_it_and_closed_with_the_worker() -> None:
    got: list[list[str]] = []

    async def use(resources: Resources) -> None:
        got.append(await resources.use(client))

    async with Resources() as resources:
        assert log == []
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(use, resources)
        assert all(each is got[0] for each in got)
        assert await resources.use(pool) == "a pool"
        assert log == ["pool opens", "client opens with a pool"]
    assert log[2:] == ["client closes", "pool closes"]


def test_one_that_cannot_be_opened_fails_the_call_and_is_tried_again_later() -> None:
    @resource
    async def shaky() -> AsyncGenerator[str]:
        log.append("tried")
        if len(log) < 3:
            raise OSError("no route")
        yield "open"

    async def use() -> None:
        async with Resources() as resources:
            for tries, pause in ((1, 1.0), (2, 2.0)):
                for _ in range(3):  # at once again: told from what is known, not tried
                    with pytest.raises(ToolFailed, match="no route"):
                        await resources.use(shaky)
                assert len(log) == tries
                await anyio.sleep(pause)
            assert await resources.use(shaky) == "open"

    run_virtual(use)


def test_one_that_never_opens_is_given_up() -> None:
    @resource
    async def stuck() -> AsyncGenerator[str]:
        await anyio.sleep_forever()
        yield "never"

    async def use() -> None:
        async with Resources() as resources:
            with pytest.raises(ToolFailed, match="not open after 30 seconds"):
                await resources.use(stuck)

    run_virtual(use)


def test_one_that_is_still_opening_does_not_hold_the_end() -> None:
    @resource
    async def stuck() -> AsyncGenerator[str]:
        await anyio.sleep_forever()
        yield "never"

    async def use() -> float:
        async with Resources() as resources:
            with anyio.move_on_after(1):
                await resources.use(stuck)
        return anyio.current_time()

    assert run_virtual(use) < 5


def test_one_that_does_not_close_is_left() -> None:
    @resource
    async def clinging() -> AsyncGenerator[str]:
        yield "open"
        await anyio.sleep_forever()

    async def use() -> None:
        async with Resources() as resources:
            await resources.use(clinging)

    run_virtual(use)


@pytest.mark.anyio
async def test_one_that_breaks_while_it_is_open_is_opened_anew() -> None:
    broken, gone = anyio.Event(), anyio.Event()

    @resource
    async def fragile() -> AsyncGenerator[int]:
        log.append("opens")

        async def crack() -> None:
            await broken.wait()
            raise ConnectionError("gone")

        try:
            async with anyio.create_task_group() as group:
                if len(log) == 1:
                    group.start_soon(crack)
                yield len(log)
        finally:
            gone.set()

    async with Resources() as resources:
        assert await resources.use(fragile) == 1
        broken.set()
        await gone.wait()
        assert await resources.use(fragile) == 2


@pytest.mark.anyio
async def test_whatever_gives_a_context_manager_will_do() -> None:
    class Connection:
        async def __aenter__(self) -> str:
            return "connected"

        async def __aexit__(self, *_: object) -> None:
            log.append("closed")

    def connect() -> AbstractAsyncContextManager[str]:
        return Connection()

    async with Resources() as resources:
        assert await resources.use(resource(connect)) == "connected"
        assert await resources.use(resource(Connection)) == "connected"
    assert log == ["closed", "closed"]


def test_what_cannot_be_opened_is_refused_with_its_place() -> None:
    async def plain() -> str:
        return "no context manager"

    async def wants(url: str) -> AsyncGenerator[str]:
        yield url

    async def forward(later: Annotated[str, nowhere]) -> AsyncGenerator[str]:  # noqa: F821  # pyright: ignore[reportUndefinedVariable]
        yield later

    for function, why in ((plain, "neither an async generator"), (wants, "give it url"), (forward, "nowhere")):
        given: Any = function
        with pytest.raises(ToolDefinitionError, match=why) as raised:
            resource(given)
        assert "test_resources.py:" in str(raised.value)


def test_an_annotation_names_it() -> None:
    assert resource_in(Annotated[str, "words", pool]) is pool
    assert resource_in(Annotated[str, "words"]) is None
    assert resource_in(str) is None


@pytest.mark.anyio
async def test_nothing_is_opened_when_the_worker_has_ended() -> None:
    async with Resources() as resources:
        pass
    with pytest.raises(ToolFailed, match="has ended"):
        await resources.use(pool)
