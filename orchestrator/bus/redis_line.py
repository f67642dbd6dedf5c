"""A connection to the primary, and how many callers share one.

A `Line` is made when it is needed, and dropped as soon as anything odd happens on it: an answer that did not come, a
reader that was cut off in the middle, a server that is not the primary any more. So nobody is ever handed the answer to
somebody else's question, and whoever comes next finds the primary where it is by then.

On a `SharedLine`, what comes in one pass of the loop, or while a round trip is under way, goes out together in the
next. A caller who finds nobody before him leads it, in his own task; whoever comes meanwhile waits, and one of those
leads the trip after.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from typing import Any, Final, cast

import anyio
import anyio.lowlevel
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import AuthenticationError, MasterDownError, MovedError, ReadOnlyError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError

from orchestrator.bus.redis_primary import Primary

__all__ = ["Line", "NoAnswer", "SharedLine"]

RETRIES: Final = 2
RETRY_AFTER_S: Final = 0.02
"""Half of it is chance, and each time it is twice as long."""
COMMANDS_AT_ONCE: Final = 256
BYTES_AT_ONCE: Final = 256 * 1024

NOT_THE_PRIMARY: Final = (MasterDownError, MovedError, ReadOnlyError)
NOT_ANY_MORE: Final = ("READONLY", "UNBLOCKED")
"""How Redis 6.2 puts it when a script finds out, and what a reader is woken up with in the middle of its wait."""


_NOTHING: Final = object()


class NoAnswer(Exception):
    """The time for it is over. Whether it was done is not known."""


class Line:
    """One connection to the primary, for one caller at a time."""

    def __init__(self, primary: Primary, *, asks_its_number: bool, steady: bool = False) -> None:
        self.connects: int = 0
        self.number: int = 0
        """What Redis calls the present connection."""
        self.strayed: bool = False
        """Whether it was not the primary that answered last, or not any more."""
        self._primary = primary
        self._asks = asks_its_number
        self._steady = steady
        self._connection: AbstractConnection | None = None
        self._closed = False

    async def exchange(self, commands: Sequence[bytes], replies: list[Any]) -> None:
        """Send packed commands, and add the replies as they come: an error that is a reply is one of them.

        Raises what redis-py raises when the connection breaks. Then, as after being cut off, it is dropped, and
        `replies` has what came before.
        """
        connection = await self._ready()
        errors: list[ResponseError] = []
        self.strayed = False
        try:
            await connection.send_packed_command(commands, check_health=False)
            for _ in commands:
                try:
                    replies.append(await connection.read_response())
                except ResponseError as error:
                    replies.append(error)
                    errors.append(error)
        except BaseException:
            await self.drop()
            raise
        if errors:
            await self._judge(errors)

    async def drop(self) -> None:
        """Let the connection go; the next exchange makes another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with anyio.CancelScope(shield=True):
                await connection.disconnect(nowait=True)

    async def close(self) -> None:
        """End the connection for good. Whoever is in the middle of an exchange gets an error."""
        self._closed = True
        connection, self._connection = self._connection, None
        if connection is not None:
            # What is on the other side may hang, and then it is not waited for.
            with anyio.CancelScope(deadline=anyio.current_time() + 1, shield=True):
                await connection.disconnect()

    async def _judge(self, errors: Sequence[ResponseError]) -> None:
        for error in errors:
            if isinstance(error, MovedError):
                told = cast(Any, error)
                self._primary.moved_to((told.host, told.port))
        if any(_is_stray(error) for error in errors):
            self.strayed = True
            await self.drop()

    async def _ready(self) -> AbstractConnection:
        # An idle connection has nothing to say. If it has, it is that the other side has closed it.
        if self._connection is not None and await self._connection.can_read():
            await self.drop()
            if self._steady:
                # It reads all the time: this was no idle connection, and what it read from may be lost.
                raise RedisConnectionError("the connection was closed by the other side")
        if self._connection is None:
            if self._closed:
                raise RedisConnectionError("the connection has been closed")
            connection = await self._primary.connect()
            self._connection = connection
            try:
                if self._asks:
                    await connection.send_command("CLIENT", "ID")
                    self.number = cast(int, await connection.read_response())
            except BaseException:
                await self.drop()
                raise
            self.connects += 1
            if self._closed:
                await self.drop()
                raise RedisConnectionError("the connection has been closed")
        return self._connection


def _is_stray(reply: object) -> bool:
    """Whether it comes from a server that is not the primary (any more), and has done nothing."""
    return isinstance(reply, NOT_THE_PRIMARY) or (
        isinstance(reply, ResponseError) and any(word in str(reply) for word in NOT_ANY_MORE)
    )


class _Parcel:
    """What one caller wants to have sent, and what has become of it."""

    __slots__ = ("commands", "leads", "problem", "replies", "turn")

    def __init__(self, commands: Sequence[bytes]) -> None:
        self.commands = commands
        self.replies: list[Any] = []
        self.problem: Exception | None = None
        self.leads = False
        self.turn: anyio.Event | None = None


class SharedLine:
    """A line for any number of callers at a time. What they send runs to its end, or to its timeout."""

    def __init__(self, line: Line, timeout_s: float) -> None:
        self._line = line
        self._timeout_s = timeout_s
        self._led = False
        self._waiting: deque[_Parcel] = deque()

    async def send(self, commands: Sequence[bytes]) -> list[Any]:
        """The replies to packed commands; an error that is a reply is one of them.

        When the connection breaks it is tried again, since every step may be sent twice; after a timeout it is not.

        Raises:
            NoAnswer: it took too long.
            Exception: what redis-py raises; then there is no Redis to talk with.
        """
        parcel = _Parcel(commands)
        if self._led:
            await self._wait(parcel)
        if parcel.turn is None or parcel.leads:
            await self._lead(parcel)
        if parcel.problem is not None:
            raise parcel.problem
        return parcel.replies

    async def _wait(self, parcel: _Parcel) -> None:
        parcel.turn = anyio.Event()
        self._waiting.append(parcel)
        try:
            with anyio.CancelScope(shield=True):
                await parcel.turn.wait()
        except BaseException:
            # Ended by force, with the loop: the others must not wait for it.
            if parcel in self._waiting:
                self._waiting.remove(parcel)
            elif parcel.leads:
                self._pass_on()
            raise

    async def _lead(self, first: _Parcel) -> None:
        self._led = True
        try:
            # One pass of the loop: what others want to have sent in this very moment goes along in the same trip.
            await anyio.lowlevel.cancel_shielded_checkpoint()
        except BaseException:
            self._pass_on()
            raise
        batch = self._gather(first)
        answers: list[Any] = []
        problem: Exception | None = None
        try:
            if len(batch) == 1:
                answers, problem = await self._deliver(first.commands)
            else:
                answers, problem = await self._deliver([command for each in batch for command in each.commands])
        finally:
            # Also when this task was ended by force: then nothing has been answered.
            begin = 0
            for each in batch:
                end = begin + len(each.commands)
                each.replies = answers[begin:end]
                if len(each.replies) < len(each.commands) or (problem is not None and _NOTHING in each.replies):
                    each.problem = problem or RedisConnectionError("the exchange was ended by force")
                begin = end
                if each.turn is not None:
                    each.turn.set()
            if problem is not None:
                self._dismiss(problem)
            self._pass_on()

    def _dismiss(self, problem: Exception) -> None:
        # Those who wait would wait as long for the same. They were not sent, and are told at once.
        for each in self._waiting:
            each.problem = problem
            if each.turn is not None:
                each.turn.set()
        self._waiting.clear()

    def _pass_on(self) -> None:
        if self._waiting:
            heir = self._waiting.popleft()
            heir.leads = True
            if heir.turn is not None:
                heir.turn.set()
        else:
            self._led = False

    def _gather(self, first: _Parcel) -> list[_Parcel]:
        batch = [first]
        count = len(first.commands)
        size = 0
        while self._waiting and count < COMMANDS_AT_ONCE and size < BYTES_AT_ONCE:
            parcel = self._waiting.popleft()
            batch.append(parcel)
            count += len(parcel.commands)
            size += sum(map(len, parcel.commands))
        return batch

    async def _deliver(self, commands: Sequence[bytes]) -> tuple[list[Any], Exception | None]:
        """The answers, in at most three tries. Where there is none stands `_NOTHING`, and why comes with it."""
        answers: list[Any] = []
        problem = await self._try(commands, answers)
        if problem is None and not self._line.strayed:
            return answers, None
        answers += [_NOTHING] * (len(commands) - len(answers))
        pause_s = RETRY_AFTER_S
        for _ in range(RETRIES):
            if isinstance(problem, AuthenticationError) or not isinstance(problem, RedisConnectionError | None):
                break
            with anyio.CancelScope(shield=True):
                await anyio.sleep(pause_s * random.uniform(0.5, 1.0))
            pause_s *= 2
            left = [number for number, answer in enumerate(answers) if answer is _NOTHING or _is_stray(answer)]
            replies: list[Any] = []
            problem = await self._try([commands[number] for number in left], replies)
            for number, reply in zip(left, replies, strict=False):
                answers[number] = reply
            if problem is None and not self._line.strayed:
                break
        return answers, problem

    async def _try(self, commands: Sequence[bytes], replies: list[Any]) -> Exception | None:
        with anyio.CancelScope(deadline=anyio.current_time() + self._timeout_s, shield=True):
            try:
                await self._line.exchange(commands, replies)
            except Exception as error:
                return error
            return None
        return NoAnswer()
