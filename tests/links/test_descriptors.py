"""Descriptors of every kind, and readers that stop reading."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from interaction.links.descriptors import LineSource, Outflow, Piece

pytestmark = pytest.mark.anyio


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = list(os.pipe())
    yield ends[0], ends[1]
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue  # the test closed it


async def lines(source: LineSource) -> list[Piece]:
    found: list[Piece] = []
    while (piece := await source.next()) is not None:
        found.append(piece)
    return found


async def test_lines_of_a_pipe(pipe: tuple[int, int]) -> None:
    os.write(pipe[1], b"one\r\n\ntwo\nrest")
    os.close(pipe[1])
    assert await lines(LineSource(pipe[0])) == [Piece("one"), Piece(""), Piece("two"), Piece("rest")]


async def test_lines_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"one\ntwo\n")
    with path.open("rb") as file:
        assert await lines(LineSource(file.fileno())) == [Piece("one"), Piece("two")]


async def test_nothing_comes_from_nowhere() -> None:
    with open(os.devnull, "rb") as file:  # noqa: ASYNC230 - it is never read here
        assert await lines(LineSource(file.fileno())) == []


async def test_a_long_line_comes_in_pieces(pipe: tuple[int, int]) -> None:
    os.write(pipe[1], b"abcdefgh\nxy\n")
    os.close(pipe[1])
    found = await lines(LineSource(pipe[0], longest=3))
    assert found == [Piece("abc", False), Piece("def", False), Piece("gh"), Piece("xy")]


async def test_a_letter_that_arrives_in_two_halves_and_bytes_that_are_none(pipe: tuple[int, int]) -> None:
    source = LineSource(pipe[0])
    os.write(pipe[1], b"na\xc3")
    async with anyio.create_task_group() as tasks:

        async def later() -> None:
            await anyio.sleep(0.05)
            os.write(pipe[1], b"\xafve \xff\n")

        tasks.start_soon(later)
        assert await source.next() == Piece("naïve \ufffd")


async def test_waiting_for_a_line_can_be_given_up(pipe: tuple[int, int]) -> None:
    with anyio.move_on_after(0.05) as scope:
        await LineSource(pipe[0]).next()
    assert scope.cancelled_caught
    os.write(pipe[1], b"still there\n")
    assert await LineSource(pipe[0]).next() == Piece("still there")


async def test_what_is_put_arrives_in_order(pipe: tuple[int, int]) -> None:
    async with Outflow.open(pipe[1]) as out:
        assert out.put(b"one ")
        await out.write(b"two")
        await out.drained()
        assert os.read(pipe[0], 100) == b"one two"


async def test_a_file_takes_everything(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with path.open("wb") as file:
        async with Outflow.open(file.fileno(), limit=1 << 24) as out:
            for _ in range(1_000):
                out.put(b"x" * 1_000)
    assert path.stat().st_size == 1_000_000


async def test_a_reader_that_stops_holds_up_nobody_who_only_puts(pipe: tuple[int, int]) -> None:
    async with Outflow.open(pipe[1], limit=10_000) as out:
        taken = sum(out.put(b"x" * 1_000) for _ in range(1_000))
        assert out.lost == 1_000 - taken
        assert 0 < taken < 1_000
        await anyio.lowlevel.checkpoint()
        os.set_blocking(pipe[0], False)
        while not out.closed:
            try:
                if len(os.read(pipe[0], 1 << 20)) == 0:
                    break
            except BlockingIOError:
                with anyio.move_on_after(0.05):
                    await out.drained()
                    break


async def test_a_writer_waits_for_room(pipe: tuple[int, int]) -> None:
    async with Outflow.open(pipe[1], limit=1_000) as out:
        filler = 1 << 20  # more than any pipe holds
        out.put(b"x" * filler)
        with anyio.move_on_after(0.1) as full:
            await out.write(b"y")
        assert full.cancelled_caught
        got = 0
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(out.write, b"y")
            while got < filler + 1:
                await anyio.wait_readable(pipe[0])
                got += len(os.read(pipe[0], 1 << 16))
        assert got == filler + 1


async def test_a_closed_reader_is_noticed(pipe: tuple[int, int]) -> None:
    async with Outflow.open(pipe[1]) as out:
        os.close(pipe[0])
        out.put(b"hello?")
        with anyio.fail_after(10):
            await out.gone()
        assert not out.put(b"anybody?")
        assert out.failure == ""
