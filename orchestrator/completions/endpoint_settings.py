"""Where a model server is, and how long it is waited for."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, urlsplit, urlunsplit

import msgspec

from orchestrator.completions.profile import Profile
from orchestrator.errors import ConfigError

__all__ = ["OPENAI_URL", "EndpointSettings", "is_loopback", "shown_url"]

OPENAI_URL: Final = "https://api.openai.com/v1"
NO_KEY: Final = "none"
"""Sent as the key where there is none: most servers of one's own need none, and the client wants to send one."""

KEY_VARIABLES: Final[Mapping[str, str]] = {
    "api.openai.com": "OPENAI_API_KEY",
    "api.anthropic.com": "ANTHROPIC_API_KEY",
    "generativelanguage.googleapis.com": "GEMINI_API_KEY",
    "openrouter.ai": "OPENROUTER_API_KEY",
    "api.groq.com": "GROQ_API_KEY",
    "api.deepseek.com": "DEEPSEEK_API_KEY",
    "api.mistral.ai": "MISTRAL_API_KEY",
    "ollama.com": "OLLAMA_API_KEY",
}
"""Which variable holds the key of whom. Where it is not set, OPENAI_API_KEY is taken."""


class EndpointSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach one server. Times are in seconds."""

    base_url: str = ""
    """Up to and with `/v1`. Empty: OPENAI_BASE_URL, or OpenAI's own."""
    api_key: str = ""
    """Empty: the variable of that server (see `KEY_VARIABLES`), or OPENAI_API_KEY. Where there is none, and the server
    is not OpenAI's own, a placeholder is sent."""
    connect_s: float = 5.0
    """How long making a connection may take."""
    first_s: float = 60.0
    """How long the first byte of an answer may take. Long, since a server of one's own may have a model to load."""
    idle_s: float = 30.0
    """How long a stream may be silent in the middle."""
    whole_s: float = 300.0
    """How long an answer may take that is not streamed."""
    headers: Mapping[str, str] = {}
    """Sent with every request."""
    profile: Profile | str | None = None
    """What the server can do. The name of a profile (see `PROFILES`) is where to begin; what the server then refuses is
    still learned. A `Profile` holds as it is. `None`: DUOLOGUE_MODEL_PROFILE, or what the address and the server itself
    say."""

    def __post_init__(self) -> None:
        for name in ("connect_s", "first_s", "idle_s", "whole_s"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} cannot be {getattr(self, name)!r}", "it is a number of seconds above 0")
        if self.base_url:
            _checked(self.base_url, "base_url")

    def __repr__(self) -> str:
        """Without the key and the headers: a repr ends up in logs."""
        return f"EndpointSettings(base_url={shown_url(self.base_url)!r}, profile={self.profile!r})"

    @property
    def url(self) -> str:
        """The address in effect. Raises `ConfigError` where OPENAI_BASE_URL is none."""
        if self.base_url:
            return self.base_url.rstrip("/")
        given = os.environ.get("OPENAI_BASE_URL", "").strip()
        return _checked(given, "OPENAI_BASE_URL").rstrip("/") if given else OPENAI_URL

    @property
    def key(self) -> str:
        """The key in effect; empty where there is none.

        OPENAI_API_KEY is never sent in the clear to another machine than the one OPENAI_BASE_URL names.
        """
        if self.api_key:
            return self.api_key
        url = urlsplit(self.url)
        host = (url.hostname or "").lower()
        if own := os.environ.get(KEY_VARIABLES.get(host, ""), "").strip():
            return own
        named = urlsplit(os.environ.get("OPENAI_BASE_URL", "")).hostname
        if url.scheme == "https" or is_loopback(self.url) or host == named:
            return os.environ.get("OPENAI_API_KEY", "").strip()
        return ""

    @property
    def lacks_key(self) -> bool:
        """Whether there is no key, and the server is one that does nothing without."""
        host = (urlsplit(self.url).hostname or "").lower()
        hosted = host in KEY_VARIABLES or host.endswith(".api.openai.com")
        shown_otherwise = any(name.lower() in ("authorization", "api-key", "x-api-key") for name in self.headers)
        return hosted and not self.key and not shown_otherwise

    @property
    def key_variable(self) -> str:
        """The variable to set for a key."""
        return KEY_VARIABLES.get((urlsplit(self.url).hostname or "").lower(), "OPENAI_API_KEY")


def is_loopback(url: str) -> bool:
    """Whether `url` is of this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def shown_url(url: str) -> str:
    """The address without what may be secret in it."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "an address that is none"
    return urlunsplit(SplitResult(parts.scheme, host, parts.path, "", ""))


def _checked(url: str, source: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not any(map(str.isspace, url))
    except ValueError:
        good = False
    if not good:
        raise ConfigError(
            f"{source} is no address of a model server: {shown_url(url)!r}",
            "it begins with http:// or https:// and names a host",
            "give it as in http://localhost:8000/v1",
        )
    return url
