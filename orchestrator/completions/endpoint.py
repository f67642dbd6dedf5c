"""The one door to the `openai` client: a model server, asked over HTTP.

The client brings the key, the proxies, the connection pool and its errors; the stream is read here, byte by byte, since
what servers send is not always what the client's types allow. Retries are the callers': this asks once, and once more
only for each thing that it learns the server does not know (see `mending`).
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import anyio
import anyio.to_thread
import msgspec

from orchestrator.completions.answer_reader import AnswerReader, stalled, unreadable
from orchestrator.completions.asking import Piece, Request
from orchestrator.completions.body import body_of, is_streamed
from orchestrator.completions.diagnosis import Answer, said_in, trouble_of
from orchestrator.completions.endpoint_settings import NO_KEY, OPENAI_URL, EndpointSettings, shown_url
from orchestrator.completions.profile import Profile
from orchestrator.completions.standing_in import Accumulator
from orchestrator.completions.troubles import ModelTrouble

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

__all__ = ["Endpoint", "EndpointSettings"]

_CLOSING_S: Final = 1.0


class Endpoint:
    """A model server: `async with Endpoint(settings) as endpoint`. Implements `Completions`."""

    def __init__(self, settings: EndpointSettings | None = None) -> None:
        self.settings: EndpointSettings = settings or EndpointSettings()
        self._url = self.settings.url
        self._client: AsyncOpenAI | None = None
        self._profile = Profile()

    async def __aenter__(self) -> Self:
        """Import and make the client. Both take long and read files, so a thread does it."""
        self._client = await anyio.to_thread.run_sync(self._made)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections, also those of requests that are not over."""
        client, self._client = self._client, None
        if client is not None:
            with anyio.move_on_after(_CLOSING_S, shield=True):
                await client.close()

    @property
    def profile(self) -> Profile:
        """What the server can and cannot do, as far as is known by now."""
        return self._profile

    @property
    def where(self) -> str:
        """The address, as it may be shown."""
        return shown_url(self._url)

    async def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
        """Ask, and yield the answer as it comes; the last piece is `Done`. Closing the iterator closes the connection.

        Raises:
            ModelTrouble: there is no answer, or it broke off.
        """
        profile = self._profile
        streamed = is_streamed(request, profile)
        functions = [tool["function"]["name"] for tool in request.tools] if profile.calls else []
        accumulator = Accumulator(functions)
        limit_s = self.settings.first_s if streamed else self.settings.whole_s
        first_by = anyio.current_time() + limit_s
        response = await self._ask(body_of(request, profile), request.model, limit_s)
        reader = AnswerReader(response, first_by=first_by, idle_s=self.settings.idle_s, broken=_broken())
        try:
            if not streamed or "json" in response.headers.get("content-type", ""):
                for piece in accumulator.whole(await self._whole(reader, request.model)):
                    yield piece
                return
            while (chunks := await reader.chunks()) is not None:
                for chunk in chunks:
                    self._check(chunk, request.model)
                    for piece in accumulator.feed(chunk):
                        yield piece
            for piece in accumulator.end():
                yield piece
        finally:
            await reader.close()

    def _made(self) -> AsyncOpenAI:
        openai = import_module("openai")
        client: AsyncOpenAI = openai.AsyncOpenAI(
            base_url=self._url,
            api_key=self.settings.key or NO_KEY,
            max_retries=0,
            timeout=_httpx().Timeout(None, connect=self.settings.connect_s),
            default_headers=dict(self.settings.headers),
        )
        return client

    async def _ask(self, body: Mapping[str, Any], model: str, limit_s: float) -> httpx2.Response:
        """Send one request; the response's body is still to be read."""
        if self._client is None:
            raise RuntimeError("an Endpoint is used within `async with`")
        if not self.settings.key and self._url == OPENAI_URL:
            variable = self.settings.key_variable
            raise ModelTrouble(
                "key",
                "There is no key for the model server.",
                f"{variable} is not set, and {self.where} needs one.",
                f"Set {variable}, or OPENAI_BASE_URL to a server that needs none.",
            )
        openai = import_module("openai")
        response: httpx2.Response | None = None
        try:
            with anyio.move_on_after(limit_s):
                response = await self._client.post(
                    "/chat/completions",
                    cast_to=_httpx().Response,
                    body=body,
                    stream=True,
                    stream_cls=openai.AsyncStream[object],
                )
        except openai.APIStatusError as error:
            raise self._trouble(_answer(error.response), model) from error
        except openai.APIConnectionError as error:
            raise self._unreachable(error) from error
        if response is None:
            raise stalled("", limit_s)
        return response

    async def _whole(self, reader: AnswerReader, model: str) -> Mapping[str, Any]:
        raw = await reader.whole()
        try:
            body = msgspec.json.decode(raw)
        except msgspec.DecodeError:
            raise unreadable(raw.decode(errors="replace")) from None
        if isinstance(body, list):
            raise self._trouble(Answer(None, said_in(body)), model)
        self._check(body, model)
        if not isinstance(body, dict):
            raise unreadable(str(body))
        whole: Mapping[str, Any] = body
        return whole

    def _check(self, chunk: Mapping[str, Any], model: str) -> None:
        """Raise what a chunk says has gone wrong."""
        if chunk.get("error"):
            raise self._trouble(Answer(None, said_in(chunk)), model)

    def _trouble(self, answer: Answer, model: str) -> ModelTrouble:
        return trouble_of(
            answer,
            model=model,
            where=self.where,
            key_variable=self.settings.key_variable,
            now=datetime.now(UTC),
            secrets=(self.settings.key,),
        )

    def _unreachable(self, error: BaseException) -> ModelTrouble:
        return ModelTrouble("network", f"The model server at {self.where} cannot be reached.", str(error.__cause__))


def _httpx() -> Any:
    return import_module("httpx2")


def _broken() -> tuple[type[Exception], ...]:
    httpx = _httpx()
    return (httpx.HTTPError, httpx.StreamError, ssl.SSLError, anyio.EndOfStream, anyio.BrokenResourceError, OSError)


def _answer(response: httpx2.Response) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    try:
        body: object = msgspec.json.decode(response.content)
    except msgspec.DecodeError:
        body = response.text
    return Answer(response.status_code, said_in(body), headers)
