"""How a model is named on a command line: `NAME`, or `NAME@URL` where it is not on the usual server."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from orchestrator.completions.endpoint_settings import EndpointSettings, shown_url
from orchestrator.completions.profile import Profile
from orchestrator.errors import ConfigError

__all__ = ["ModelName", "parse_model"]

_EXAMPLE: Final = "as in gpt-5-mini, or qwen3@http://localhost:8000/v1"
_ADDRESS: Final = re.compile(r"(?P<name>.*?)@(?P<url>[a-zA-Z][a-zA-Z0-9+.-]*://.*)", re.DOTALL)
_BARE: Final = re.compile(
    r"(?P<name>[^@]*)@(?P<host>(?:localhost|[\w.-]+\.[a-z]+|\d+\.\d+\.\d+\.\d+|\[.*\])?(?::\d+)(?:/.*)?)"
)


class ModelName(msgspec.Struct, frozen=True):
    """A model, and the server that has it."""

    model: str
    settings: EndpointSettings = EndpointSettings()

    def __str__(self) -> str:
        """As it was given, without what may be secret in the address."""
        url = self.settings.base_url
        return f"{self.model}@{shown_url(url)}" if url else self.model


def parse_model(text: str, *, profile: Profile | str | None = None) -> ModelName:
    """The model and where it is. Raises `ConfigError` for what is none.

    >>> parse_model("qwen3@http://localhost:8000/v1").model
    'qwen3'
    """
    given = text.strip()
    url = ""
    if found := _ADDRESS.fullmatch(given):
        given, url = found["name"], found["url"]
    elif found := _BARE.fullmatch(given):
        raise _wrong(given, "the address lacks http:// or https://", f"{found['name']}@http://{found['host']}")
    if "://" in given:
        raise _wrong(given, "that is an address, and names no model", f"NAME@{shown_url(given)}")
    if not given:
        raise _wrong(text, "it names no model")
    if any(letter.isspace() or not letter.isprintable() for letter in given):
        raise _wrong(given, "the name of a model has no spaces")
    return ModelName(given, EndpointSettings(base_url=url, profile=profile))


def _wrong(text: str, why: str, meant: str = "") -> ConfigError:
    return ConfigError(
        f"no model can be understood from {text!r}", why, f"give {meant}" if meant else f"give a name, {_EXAMPLE}"
    )
