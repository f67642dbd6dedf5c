"""A model server that says what it is told to: real HTTP on loopback, in the shape of OpenAI's chat completions.

For tests of whatever talks to a language model: the real client, real streams, real disconnects, no model.

>>> async with ModelServer(models=("voice",)) as server:
...     server.script("voice", ["Hello there.", Refuse.rate_limit(0.2)])
...     ...  # OPENAI_BASE_URL is server.base_url

By hand: `python -m orchestrator.testing.model_server SCRIPT.json --port 8080` prints its address, then one line of JSON
for each request that is over.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, cast

import anyio
import msgspec
from anyio.abc import SocketAttribute, SocketStream, TaskGroup
from anyio.from_thread import start_blocking_portal
from anyio.streams.stapled import MultiListener

from orchestrator.completions.switch import allowing
from orchestrator.testing.model_book import AnswerBook, PromptCache
from orchestrator.testing.model_manners import Refusal, complaint
from orchestrator.testing.model_replies import (
    Answer,
    Ending,
    Hang,
    Raw,
    Refuse,
    Reply,
    Script,
    ShapeName,
    When,
    latest_text,
)
from orchestrator.testing.model_shapes import make_shape
from orchestrator.testing.model_wire import Asking, Connection, NotHttp

__all__ = ["Asked", "Hang", "ModelServer", "Raw", "Refuse", "Reply", "When"]

_JSON = {"content-type": "application/json"}
_SSE = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}


class Asked(msgspec.Struct):
    """One request for a completion, and what became of it. Times are seconds of `time.monotonic()`."""

    number: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    at: float
    answer: Answer | None = None
    """What it gets. `None`: the server refused it by itself (see `ModelServer.unanswered`)."""
    first_at: float | None = None
    """When the first piece of the body went out."""
    ended_at: float | None = None
    """When the last byte went out."""
    closed_at: float | None = None
    """When the client closed the connection, if it did before the end."""
    sent: int = 0
    """Pieces of the body that went out."""

    @property
    def model(self) -> str:
        """The model that was asked for."""
        return str(self.body.get("model", ""))

    @property
    def messages(self) -> list[Mapping[str, Any]]:
        """The prompt."""
        return list(self.body.get("messages") or ())

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.ended_at is not None or self.closed_at is not None


class ModelServer:
    """Plays answers to requests for chat completions, and remembers what was asked.

    Without `models` every name is known; with them, others get 404. With a `key`, other keys get 401. `refuses` names
    what a narrower server does not take; what OpenAI itself refuses is always refused.
    """

    def __init__(
        self,
        *rules: When,
        models: Sequence[str] = (),
        key: str = "",
        shape: ShapeName = "openai",
        refuses: Iterable[Refusal] = (),
        port: int = 0,
    ) -> None:
        self.requests: list[Asked] = []
        """Every request for a completion, in order."""
        self.unanswered: list[str] = []
        """Why requests were refused though no answer said so: nothing left in the script, a wrong form, a bug in a
        rule."""
        self._book = AnswerBook()
        self._cache = PromptCache()
        self._models = tuple(models)
        self._key = key
        self._shape: ShapeName = shape
        self._refuses = tuple(refuses)
        self._port = port
        self._ended: list[Asked] = []
        self._news = anyio.Event()
        self._group: TaskGroup
        self._allowed: AbstractContextManager[None]
        for rule in rules:
            self.when(rule)

    @property
    def base_url(self) -> str:
        """What `OPENAI_BASE_URL` is to be. Known once the server runs."""
        return f"http://127.0.0.1:{self._port}/v1"

    def script(self, model: str, answers: Sequence[Answer | str]) -> None:
        """Append answers for a model, in order; text is a `Reply`. `""` is any model that has none left."""
        self._book.script(model, answers)

    def when(self, rule: When) -> None:
        """Add a rule. Rules go before scripts, earlier rules before later ones."""
        self._book.when(rule)

    def asked(self, model: str = "", *, contains: str = "") -> list[Asked]:
        """The requests to a model, or with such words in what was new in them (a part, not a pattern)."""
        return [
            asked
            for asked in list(self.requests)
            if model in ("", asked.model) and contains.lower() in latest_text(asked.body).lower()
        ]

    async def until(self, test: Callable[[], bool], *, within_s: float = 5.0) -> None:
        """Wait until something holds, such as `lambda: len(server.requests) == 2`. Raises `AssertionError`."""
        deadline = time.monotonic() + within_s
        while not test():
            if time.monotonic() > deadline:
                raise AssertionError(self._so_far(within_s))
            await anyio.sleep(0.002)

    def wait(self, test: Callable[[], bool], *, within_s: float = 5.0) -> None:
        """The same for a test without an event loop (`in_thread`)."""
        deadline = time.monotonic() + within_s
        while not test():
            if time.monotonic() > deadline:
                raise AssertionError(self._so_far(within_s))
            time.sleep(0.002)

    async def ended(self) -> AsyncIterator[Asked]:
        """Every request as soon as it is over, in that order. Goes on until it is left."""
        told = 0
        while True:
            for asked in self._ended[told:]:
                told += 1
                yield asked
            if told == len(self._ended):
                if self._news.is_set():
                    self._news = anyio.Event()
                await self._news.wait()

    def assert_complete(self) -> None:
        """Fail with `AssertionError` unless every scripted answer was asked for, and every request had one."""
        problems = [f"never asked for: {left}" for left in self._book.left()] + self.unanswered
        if problems:
            raise AssertionError("\n".join(problems))

    async def __aenter__(self) -> ModelServer:
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=self._port)
        self._port = int(listener.extra(SocketAttribute.local_port))
        self._allowed = allowing(self._port)
        self._allowed.__enter__()
        self._group = await anyio.create_task_group().__aenter__()
        self._group.start_soon(self._serve, listener)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections. What the body raised goes on as it is, in no exception group."""
        self._allowed.__exit__(None, None, None)
        self._group.cancel_scope.cancel()
        await self._group.__aexit__(None, None, None)

    @contextmanager
    def in_thread(self) -> Generator[ModelServer]:
        """Run in a thread of its own, for tests that are not async or start programs."""
        with start_blocking_portal() as portal, portal.wrap_async_context_manager(self):
            yield self

    async def _serve(self, listener: MultiListener[SocketStream]) -> None:
        async with listener:
            await listener.serve(self._connection)

    # --- one connection -----------------------------------------------------------------------------------------------

    async def _connection(self, stream: SocketStream) -> None:
        async with stream:
            connection = Connection(stream)
            try:
                while (asking := await connection.read()) is not None:
                    if not await self._route(connection, asking):
                        break
            except NotHttp as error:
                await _whole(connection, Refuse(400, str(error)))
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                return

    async def _route(self, connection: Connection, asking: Asking) -> bool:
        """Answer; false when the connection is to be closed."""
        path = asking.path.partition("?")[0].rstrip("/")
        if self._key and asking.headers.get("authorization") != f"Bearer {self._key}":
            return await _whole(connection, Refuse.key())
        if asking.method == "POST" and path.endswith("/chat/completions"):
            return await self._complete(connection, asking)
        if asking.method == "GET" and path.endswith("/models"):
            owner = make_shape(self._shape).owner
            models = [{"id": name, "object": "model", "created": 0, "owned_by": owner} for name in self._models]
            return await _json(connection, {"object": "list", "data": models}, self._headers())
        return await _whole(connection, Refuse(404, f"Invalid URL ({asking.method} {path})"))

    async def _complete(self, connection: Connection, asking: Asking) -> bool:
        try:
            body: Any = json.loads(asking.body)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return await _whole(connection, Refuse(400, "We could not parse the JSON body of your request."))
        asked = Asked(len(self.requests), cast("dict[str, Any]", body), asking.headers, time.monotonic())
        self.requests.append(asked)
        answer = self._answer(asked)
        keep = False
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._watch, connection, asked, group.cancel_scope)
                try:
                    keep = await self._play(connection, asked, answer)
                except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                    self._closed(asked)
                group.cancel_scope.cancel()
        finally:
            self._ended.append(asked)
            self._news.set()
        return keep and asked.closed_at is None

    async def _watch(self, connection: Connection, asked: Asked, scope: anyio.CancelScope) -> None:
        await connection.left()
        self._closed(asked)
        scope.cancel()

    def _closed(self, asked: Asked) -> None:
        if not asked.over:
            asked.closed_at = time.monotonic()

    def _answer(self, asked: Asked) -> Answer:
        body, name = asked.body, f"request {asked.number + 1} (of {asked.model or 'no model'})"
        if problem := complaint(body, self._refuses):
            if complaint(body):  # what only a narrower server refuses is what the test is about
                self.unanswered.append(f"{name} is not as OpenAI takes it: {problem}")
            return Refuse(400, problem)
        if self._models and asked.model not in self._models:
            return Refuse.no_model(asked.model)
        try:
            asked.answer = self._book.answer(body)
        except Exception as error:
            self.unanswered.append(f"{name}: a rule failed: {error!r}")
            return Refuse(400, f"a rule failed: {error!r}")
        if asked.answer is None:
            self.unanswered.append(f"{name} is one more than there are answers: {latest_text(body)[-200:]!r}")
            return Refuse(400, "the script is over")
        return asked.answer

    def _headers(self) -> dict[str, str]:
        server = make_shape(self._shape).server
        return {"server": server} if server else {}

    def _so_far(self, within_s: float) -> str:
        asked = [f"  {one.number + 1}. {one.model}: {latest_text(one.body)[-100:]!r}" for one in self.requests]
        return "\n".join([f"it did not happen within {within_s} s; asked so far:", *asked, *self.unanswered])

    # --- one answer ---------------------------------------------------------------------------------------------------

    async def _play(self, connection: Connection, asked: Asked, answer: Answer) -> bool:
        match answer:
            case Hang():
                await anyio.sleep_forever()
                return False
            case Refuse():
                await anyio.sleep(answer.first_ms / 1000)
                asked.first_at = asked.ended_at = time.monotonic()
                return await _whole(connection, answer, self._headers())
            case Raw():
                lines = [f"data: {line}\n\n".encode() for line in answer.lines]
                await anyio.sleep(answer.first_ms / 1000)
                await connection.begin(answer.status, {**self._headers(), **_SSE, **answer.headers})
                return await self._stream(connection, asked, [*answer.chunks, *lines], answer.between_ms, answer.then)
            case Reply():
                return await self._reply(connection, asked, answer)

    async def _reply(self, connection: Connection, asked: Asked, reply: Reply) -> bool:
        shape = make_shape(reply.shape or self._shape)
        usage = self._cache.usage(asked.body, reply)
        headers = {**self._headers(), "x-request-id": f"req_{asked.number}"}
        chunks = list(shape.chunks(reply, asked.body, asked.number, usage))
        if not asked.body.get("stream"):
            await anyio.sleep((reply.first_ms + reply.between_ms * (len(chunks) - 1)) / 1000)
            if reply.then == "close":
                asked.first_at = asked.ended_at = time.monotonic()
                return await _json(connection, shape.whole(reply, asked.body, asked.number, usage), headers)
            await connection.begin(200, {**headers, **_JSON})
            return await self._stream(connection, asked, [b'{"id":'], 0, reply.then)
        pieces = [f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode() for chunk in chunks]
        if reply.chunks is not None:
            pieces = pieces[: reply.chunks]
        else:
            pieces.append(b"data: [DONE]\n\n")
        # A server sends its head at once, and thinks before the first chunk.
        await connection.begin(200, {**headers, **_SSE})
        await anyio.sleep(reply.first_ms / 1000)
        return await self._stream(connection, asked, pieces, reply.between_ms, reply.then)

    async def _stream(
        self, connection: Connection, asked: Asked, pieces: Sequence[bytes], between_ms: int, then: Ending
    ) -> bool:
        for place, piece in enumerate(pieces):
            if place and between_ms:
                await anyio.sleep(between_ms / 1000)
            now = time.monotonic()
            asked.first_at = asked.first_at or now
            asked.sent = place + 1
            last = then == "close" and place == len(pieces) - 1
            if last:
                asked.ended_at = now
            await connection.send(piece, last=last)
        match then:
            case "close":
                if not pieces:
                    asked.ended_at = time.monotonic()
                    await connection.send(b"", last=True)
                return True
            case "hang":
                await anyio.sleep_forever()
            case "cut" | "reset":
                asked.ended_at = time.monotonic()
                if then == "reset":
                    connection.reset()
        return False


async def _json(connection: Connection, value: Any, headers: Mapping[str, str], status: int = 200) -> bool:
    body = json.dumps(value, ensure_ascii=False).encode()
    await connection.begin(status, {**headers, **_JSON}, length=len(body))
    await connection.send(body)
    return True


async def _whole(connection: Connection, refuse: Refuse, headers: Mapping[str, str] | None = None) -> bool:
    fields = {**(headers or {}), **refuse.headers}
    if refuse.body is None:
        error = {"message": refuse.message, "type": refuse.kind, "param": None, "code": refuse.code}
        return await _json(connection, {"error": error}, fields, refuse.status)
    body = refuse.body.encode()
    await connection.begin(refuse.status, {**_JSON, **fields}, length=len(body))
    await connection.send(body)
    return True


def _main() -> None:
    import argparse
    import sys
    from pathlib import Path

    parser = argparse.ArgumentParser(prog="model_server", description="Play a script as a model server.")
    parser.add_argument("script", type=Path, help="a JSON file: models, key, shape, scripts, rules")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    options = parser.parse_args()
    script = msgspec.json.decode(options.script.read_bytes(), type=Script)

    def tell(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    async def serve() -> None:
        server = ModelServer(
            *script.when(), models=script.models, key=script.key, shape=script.shape, port=options.port
        )
        for model, answers in script.scripts.items():
            server.script(model, answers)
        async with server:
            tell(server.base_url)
            async for asked in server.ended():
                tell(msgspec.json.encode(asked).decode())

    try:
        anyio.run(serve)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    _main()
