"""Search without a key, by `ddgs` (once called duckduckgo-search): it asks several public engines as a browser would.

Engines that do not want programs answer with a status, a riddle or an empty page, and `ddgs` takes all of these for "no
results". So its HTTP clients are listened to, and "nothing found" is believed only where engines have really answered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

import anyio
import anyio.to_thread
import msgspec

from orchestrator.errors import ToolFailed
from tools.fetch import INSTALL
from tools.search_provider import Blocked, Found, Hit, Offline

__all__ = ["Ddgs"]

_SIGNS: Final = (
    "captcha", "anomaly-modal", "anomaly.js", "unusual traffic", "are you a robot", "are you human", "not a robot",
    "automated queries", "challenge-form", "cf-chl", "verify you are human", "/sorry/index", "pow-challenge",
    "enablejs",
)  # fmt: skip
_ENCYCLOPEDIAS: Final = frozenset({"wikipedia", "grokipedia"})
"""They answer anybody, and know little of what is asked."""
_THREADS: Final = 2
_EACH_S: Final = 5
ENOUGH_TO_BELIEVE: Final = 2
"""How many general engines must have answered with nothing before "nothing found" is said."""


class _Heard(msgspec.Struct):
    """What one request of one engine came to."""

    engine: str
    status: int = 0
    blocked: bool = False
    problem: str = ""


class _Listening:
    """The HTTP client of an engine, listened to."""

    def __init__(self, engine: str, under: Any, heard: list[_Heard]) -> None:
        self._engine = engine
        self._under = under
        self._heard = heard

    def __getattr__(self, name: str) -> Any:
        return getattr(self._under, name)

    def request(self, *args: Any, **kwargs: Any) -> Any:
        try:
            answer = self._under.request(*args, **kwargs)
        except Exception as problem:
            self._heard.append(_Heard(self._engine, problem=str(problem)[:300]))
            raise
        text = str(answer.text or "")[:200_000].lower()
        blocked = answer.status_code != 200 or not text.strip() or any(sign in text for sign in _SIGNS)
        self._heard.append(_Heard(self._engine, int(answer.status_code), blocked))
        return answer


class Ddgs:
    """Implements `SearchProvider`. `engines` are names that `ddgs` knows, with commas; `auto` leaves it to it."""

    def __init__(self, *, engines: str = "auto", region: str = "us-en", made: Callable[[], Any] | None = None) -> None:
        """`made` makes the client, where that is not `ddgs.DDGS` as it is."""
        self._engines = engines
        self._region = region
        self._made = made or _client
        self._threads: anyio.CapacityLimiter | None = None

    @property
    def name(self) -> str:
        return "ddgs"

    async def search(self, query: str, *, limit: int) -> Found:
        """Raises as `SearchProvider.search`; `ToolFailed` also where `ddgs` is not installed."""
        if self._threads is None:
            self._threads = anyio.CapacityLimiter(_THREADS)
        heard: list[_Heard] = []
        raw, problem = await anyio.to_thread.run_sync(
            lambda: self._ask(query, limit, heard), abandon_on_cancel=True, limiter=self._threads
        )
        hits = _hits(raw)[:limit]
        return Found(tuple(hits), _note(heard)) if hits else _nothing(heard, problem)

    def _ask(self, query: str, limit: int, heard: list[_Heard]) -> tuple[Sequence[Mapping[str, Any]], str]:
        if find_spec("ddgs") is None:
            raise ToolFailed("The web cannot be searched here yet.", "What asks the engines is missing.", INSTALL)
        client = self._made()
        under = client._get_engines

        def listened(category: str, backend: str) -> list[Any]:
            engines: list[Any] = under(category, backend)
            for engine in engines:
                if not isinstance(engine.http_client, _Listening):
                    engine.http_client = _Listening(engine.name, engine.http_client, heard)
            return engines

        client._get_engines = listened
        try:
            return client.text(query, region=self._region, max_results=limit, backend=self._engines), ""
        except import_module("ddgs.exceptions").DDGSException as problem:
            return (), str(problem)[:300]


def _client() -> Any:
    return import_module("ddgs").DDGS(timeout=_EACH_S)


def _hits(raw: Sequence[Mapping[str, Any]]) -> list[Hit]:
    found = [
        Hit(_line(each.get("title"), 300), str(each.get("href") or "").strip(), _line(each.get("body"), 600))
        for each in raw
    ]
    return [hit for hit in found if hit.url.startswith(("http://", "https://")) and hit.title]


def _line(value: Any, most: int) -> str:
    return " ".join(str(value or "").split())[:most]


def _note(heard: Sequence[_Heard]) -> str:
    general = [each for each in heard if each.engine not in _ENCYCLOPEDIAS]
    if general and all(each.blocked or each.problem for each in general):
        return "The general engines gave nothing to programs just now; this is from encyclopedias alone."
    return ""


def _nothing(heard: Sequence[_Heard], problem: str) -> Found:
    """Nothing came: was there nothing, or was nothing given?"""
    if heard and all(each.problem for each in heard):
        why = heard[0].problem
        if any("timed out" in each.problem.lower() or "timeout" in each.problem.lower() for each in heard):
            raise ToolFailed("The search engines take too long.", "None of them answered in time.", "Try again later.")
        raise Offline("ddgs", "its name cannot be looked up." if "dns" in why.lower() else "the connection fails.")
    general = [each for each in heard if each.engine not in _ENCYCLOPEDIAS and not each.problem]
    believed = {each.engine for each in general if not each.blocked}
    if len(believed) >= min(ENOUGH_TO_BELIEVE, max(1, len({each.engine for each in heard}))):
        return Found()
    said = sorted({f"{each.engine} answered {each.status}" for each in general if each.blocked})
    why = f"{', '.join(said)}." if said else f"Its answer is empty, which is suspicious ({problem or 'none spoke'})."
    raise Blocked("ddgs", why)
