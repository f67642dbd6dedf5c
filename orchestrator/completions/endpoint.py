"""The one door to the `openai` client: a model server, asked over HTTP.

The client brings the key, the proxies, the connection pool and its errors; the stream is read here, byte by byte, since
what servers send is not always what the client's types allow. Retries are the callers': this asks once, and once more
only for each thing that it learns the server does not know (see `learning`).
"""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import msgspec
from msgspec.structs import replace

from orchestrator.completions.accumulator import Accumulator
from orchestrator.completions.answer_reader import AnswerReader, stalled, unreadable
from orchestrator.completions.asking import Piece, Request, Text
from orchestrator.completions.body import body_of, is_streamed
from orchestrator.completions.detecting import ModelCard, Told, cards_in, nearest, question_for, told_profile
from orchestrator.completions.diagnosis import Answer, said_in, trouble_of
from orchestrator.completions.endpoint_settings import NO_KEY, EndpointSettings, shown_url
from orchestrator.completions.json_reading import fields, items
from orchestrator.completions.learning import mended
from orchestrator.completions.profile import Profile, profile_for, profile_named
from orchestrator.completions.reaching import hung_up, unreachable
from orchestrator.completions.switch import check_allowed
from orchestrator.completions.troubles import ModelTrouble

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

__all__ = ["PROFILE_VARIABLE", "Endpoint", "EndpointSettings"]

PROFILE_VARIABLE: Final = "DUOLOGUE_MODEL_PROFILE"
"""Names the profile of every endpoint that is given none."""

T = TypeVar("T")

_CLOSING_S: Final = 1.0
_ASIDE_S: Final = 3.0
"""How long a question may take that is not for the model."""
_MOST_MENDS: Final = 4
_KNOWN_WELL: Final = frozenset({"openai", "anthropic", "gemini", "openrouter", "deepseek"})
"""Profiles of servers whose list of models would tell nothing more."""


class Endpoint:
    """A model server: `async with Endpoint(settings) as endpoint`. Implements `Completions`."""

    def __init__(self, settings: EndpointSettings | None = None) -> None:
        """Raises `ConfigError` for an address or a profile that is none."""
        self.settings: EndpointSettings = settings or EndpointSettings()
        self._url = self.settings.url
        given = self.settings.profile or os.environ.get(PROFILE_VARIABLE, "").strip()
        self._fixed = isinstance(given, Profile)
        self._named = bool(given)
        named = given if isinstance(given, Profile) else profile_named(given) if given else None
        self._profile: Profile = named or profile_for(self._url)
        self._learned: dict[str, dict[str, Any]] = {}
        self._client: AsyncOpenAI | None = None
        self._detected = self._fixed or self._profile.name in _KNOWN_WELL
        self._last_model = ""

    async def __aenter__(self) -> Self:
        """Import and make the client. Both take long and read files, so a thread does it.

        It may be left by another task than the one that entered it.
        """
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
        """What the server can and cannot do, as far as is known by now; with several models, of the one that was asked
        last."""
        return self.profile_of(self._last_model)

    def profile_of(self, model: str) -> Profile:
        """The same for one model: what it refused is its own."""
        return replace(self._profile, **self._learned.get(model, {}))

    @property
    def where(self) -> str:
        """The address, as it may be shown."""
        return shown_url(self._url)

    async def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
        """Ask, and yield the answer as it comes; the last piece is `Done`. Closing the iterator closes the connection.

        Raises:
            ModelTrouble: there is no answer, or it broke off.
        """
        self._last_model = request.model
        response, profile, first_by = await self._asked(request)
        reader = AnswerReader(response, first_by=first_by, idle_s=self.settings.idle_s, broken=_broken())
        accumulator = Accumulator(_functions(request), prompt_chars=_size(request), thinks_first=profile.thinks_first)
        filtered = False
        try:
            if not is_streamed(request, profile) or "json" in response.headers.get("content-type", ""):
                body = await self._whole(reader, request.model)
                filtered = _is_filtered(body)
                pieces = accumulator.whole(body)
            else:
                while (chunks := await reader.chunks()) is not None:
                    for chunk in chunks:
                        self._check(chunk, request.model)
                        filtered = filtered or _is_filtered(chunk)
                        for piece in accumulator.feed(chunk):
                            yield piece
                pieces = accumulator.end()
            for piece in pieces:
                if not filtered or isinstance(piece, Text):
                    yield piece
            if filtered:
                raise ModelTrouble("refused", "The model server's content filter stopped it.", "", "Say it otherwise.")
        except ModelTrouble:
            # What was held back, since a tag or a call might have begun there, has been said all the same.
            for piece in accumulator.end():
                if isinstance(piece, Text):
                    yield piece
            raise
        finally:
            await reader.close()

    async def warm(self, model: str = "") -> None:
        """Make a connection ahead, so that the first word does not wait for it; where the address does not say what
        server it is, the server is asked on the way. Raises no trouble."""
        if self._detected:
            with suppress(ModelTrouble):
                await self._get("/models")
        else:
            await self.detect(model)

    async def models(self) -> tuple[ModelCard, ...]:
        """The models that the server lists. Raises `ModelTrouble`, also where it lists none."""
        return cards_in((await self._get("/models"))[0])

    async def detect(self, model: str = "") -> Profile:
        """Ask the server what it is: two short questions at most. Never needed, so nobody has to wait for it. Raises no
        trouble: what is not told stays as it was."""
        if self._fixed:
            return self._profile
        told = Told()
        try:
            body, server = await self._get("/models")
            told = Told(server=server, cards=cards_in(body))
            if path := question_for(told, self._profile):
                more = fields((await self._get(self._root + path))[0])
                told = replace(told, props=more) if path == "/props" else replace(told, ollama=more)
            self._detected = True
        except ModelTrouble as trouble:
            self._detected = not trouble.transient
        self._profile = told_profile(told, self._profile, model, named=self._named)
        return self.profile_of(model)

    # --- asking -------------------------------------------------------------------------------------------------------

    async def _asked(self, request: Request) -> tuple[httpx2.Response, Profile, float]:
        """The response, still to be read, the profile by which it was asked for, and when its first byte is due."""
        tries = 0
        while True:
            profile = self.profile_of(request.model)
            limit_s = self.settings.first_s if is_streamed(request, profile) else self.settings.whole_s
            due = anyio.current_time() + limit_s
            try:
                return await self._post(body_of(request, profile), limit_s), profile, due
            except _Refused as refused:
                tries += 1
                learned = None if self._fixed else mended(profile, refused.answer, request)
                if learned is None or tries > _MOST_MENDS:
                    trouble = self._trouble(refused.answer, request.model)
                    raise await self._with_names(trouble, request.model) from refused.__cause__
                self._learn(request.model, profile, learned)

    async def _post(self, body: Mapping[str, Any], limit_s: float) -> httpx2.Response:
        client = self._opened()
        openai = import_module("openai")
        response: httpx2.Response | None = None
        try:
            with anyio.move_on_after(limit_s):
                response = await _sent(
                    lambda: client.post(
                        "/chat/completions",
                        cast_to=_httpx().Response,
                        body=body,
                        stream=True,
                        stream_cls=openai.AsyncStream[object],
                    )
                )
        except openai.APIStatusError as error:
            raise _Refused(_answer(error.response)) from error
        except (openai.OpenAIError, UnicodeError, ValueError) as error:
            raise self._unreachable(error) from error
        if response is None:
            raise stalled("", limit_s)
        return response

    async def _get(self, path: str) -> tuple[object, str]:
        """The JSON at `path`, and the server's own name. Raises `ModelTrouble`."""
        client = self._opened()
        openai = import_module("openai")
        response: httpx2.Response | None = None
        try:
            with anyio.move_on_after(_ASIDE_S):
                response = await _sent(lambda: client.get(path, cast_to=_httpx().Response))
        except openai.APIStatusError as error:
            raise self._trouble(_answer(error.response), "") from error
        except (openai.OpenAIError, UnicodeError, ValueError) as error:
            raise self._unreachable(error) from error
        if response is None:
            raise stalled("", _ASIDE_S)
        return _json_in(response.content), response.headers.get("server", "")

    def _opened(self) -> AsyncOpenAI:
        if self._client is None:
            raise RuntimeError("an Endpoint is asked within `async with`")
        check_allowed(self._url)
        if self.settings.lacks_key:
            variable = self.settings.key_variable
            raise ModelTrouble(
                "key",
                "There is no key for the model server.",
                f"{variable} is not set, and {self.where} needs one.",
                f"Set {variable}, or OPENAI_BASE_URL to a server that needs none.",
            )
        return self._client

    def _made(self) -> AsyncOpenAI:
        httpx = _httpx()
        client: AsyncOpenAI = import_module("openai").AsyncOpenAI(
            base_url=self._url,
            api_key=self.settings.key or NO_KEY,
            max_retries=0,
            timeout=httpx.Timeout(None, connect=self.settings.connect_s),
            default_headers=dict(self.settings.headers),
        )
        return client

    @property
    def _root(self) -> str:
        parts = urlsplit(self._url)
        return f"{parts.scheme}://{parts.netloc}"

    # --- learning -----------------------------------------------------------------------------------------------------

    def _learn(self, model: str, before: Profile, after: Profile) -> None:
        old, new = msgspec.structs.asdict(before), msgspec.structs.asdict(after)
        changed = {name: value for name, value in new.items() if value != old[name]}
        self._learned.setdefault(model, {}).update(changed)

    # --- what goes wrong ----------------------------------------------------------------------------------------------

    async def _whole(self, reader: AnswerReader, model: str) -> Mapping[str, Any]:
        raw = await reader.whole()
        body = _json_in(raw)
        if parts := items(body):
            body = fields(parts[0])
        self._check(fields(body), model)
        if not fields(body).get("choices"):
            raise unreadable(raw.decode(errors="replace"))
        return fields(body)

    def _check(self, chunk: Mapping[str, Any], model: str) -> None:
        """Raise what a chunk says has gone wrong."""
        if chunk.get("error"):
            raise self._trouble(Answer(None, said_in(chunk)), model)

    async def _with_names(self, trouble: ModelTrouble, model: str) -> ModelTrouble:
        """A wrong name, with those that would be right."""
        if trouble.cause != "model name":
            return trouble
        try:
            cards = await self.models()
        except ModelTrouble:
            return trouble
        near = nearest(model, cards) or [card.id for card in cards[:3]]
        if not near or model in near:
            return trouble
        more = f" and {len(cards) - len(near)} more" if len(cards) > len(near) else ""
        why = f"It has {', '.join(near)}{more}."
        todo = f"Name one of these, as in {near[0]}."
        return ModelTrouble("model name", trouble.what, why, todo, status=trouble.status, model=model)

    def _trouble(self, answer: Answer, model: str) -> ModelTrouble:
        return trouble_of(
            answer,
            model=model,
            where=self.where,
            key_variable=self.settings.key_variable,
            now=datetime.now(UTC),
            secrets=(self.settings.key, *self.settings.headers.values()),
        )

    def _unreachable(self, error: BaseException) -> ModelTrouble:
        if isinstance(error, UnicodeError):
            variable = self.settings.key_variable
            return ModelTrouble(
                "key", "The key cannot be sent.", "It holds letters that no key has.", f"Set {variable} anew."
            )
        return unreachable(error, where=self.where, connect_s=self.settings.connect_s)


class _Refused(Exception):
    """The server answered with an error."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.said.message)
        self.answer = answer


async def _sent(ask: Callable[[], Awaitable[T]]) -> T:
    """What `ask` brings; asked once more where the line had been closed for being idle."""
    try:
        return await ask()
    except import_module("openai").APIConnectionError as error:
        if not hung_up(error):
            raise
        return await ask()


def _functions(request: Request) -> list[str]:
    return [tool["function"]["name"] for tool in request.tools]


def _size(request: Request) -> int:
    """Characters of the prompt, to estimate tokens by where the server counts none."""
    return sum(len(str(message.get("content") or "")) for message in request.messages) + len(str(request.tools))


def _is_filtered(chunk: Mapping[str, Any]) -> bool:
    return any(fields(choice).get("finish_reason") == "content_filter" for choice in items(chunk.get("choices")))


def _httpx() -> Any:
    return import_module("httpx2")


def _broken() -> tuple[type[Exception], ...]:
    httpx = _httpx()
    return (httpx.HTTPError, httpx.StreamError, ssl.SSLError, anyio.EndOfStream, anyio.BrokenResourceError, OSError)


def _json_in(raw: bytes) -> object:
    """What `raw` says; `None` where that is no JSON."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeError):
        return None


def _answer(response: httpx2.Response) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    body = _json_in(response.content)
    return Answer(response.status_code, said_in(response.text if body is None else body), headers)
