"""What a refusal teaches: the server says that it does not know a thing, and the profile learns it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from msgspec.structs import replace

from orchestrator.completions.asking import Request
from orchestrator.completions.body import body_of
from orchestrator.completions.diagnosis import Answer
from orchestrator.completions.json_reading import fields, text
from orchestrator.completions.profile import Profile

__all__ = ["mended"]

_STATUSES: Final = (400, 404, 422, 500, 501)
"""500, since servers that run a chat template answer so when it raises; 404 is OpenRouter's for a model without
tools."""

_UNKNOWN: Final = re.compile(
    r"unsupported|not supported|n.t support|not support|unknown|unrecogni[sz]ed|not recogni[sz]ed|unexpected"
    r"|extra (?:inputs|fields)|not permitted|not allowed|additional propert|not implemented|only the default"
    r"|invalid (?:parameter|field|argument|value)|must be|cannot be|not available|not valid|no endpoints found"
)

Mend = Callable[[Profile], Profile]

_MENDS: Final[Sequence[tuple[str, Mend]]] = (
    (r"stream_options|include_usage", lambda p: replace(p, usage_in_stream=False)),
    (r"max_completion_tokens|max_tokens", lambda p: replace(p, limit_field=_other_limit(p))),
    (r"parallel_tool_calls|parallel tool calls", lambda p: replace(p, parallel_field=False)),
    (r"reasoning_effort|reasoning effort|thinking", lambda p: replace(p, reasoning_effort=False)),
    (r"tool_choice", lambda p: replace(p, tool_choice=False)),
    (r"temperature", lambda p: replace(p, temperature=False)),
    (r"response_format|json_schema|structured output", lambda p: replace(p, structured=_weaker(p))),
    (
        r"(?:stream\w* .{0,40}\btools?\b|\btools?\b.{0,40} stream)",
        lambda p: replace(p, streams_calls=False),
    ),
    (
        r"support(?:s|ing)? (?:tool|function)|tools (?:is|are) not supported|(?:argument|field|body)\W.{0,30}\btools\b",
        lambda p: replace(p, calls=False),
    ),
    (
        r"system role not supported|system role is not supported|only user and assistant roles",
        lambda p: replace(p, system=False, mid_system=False, same_role_twice=False),
    ),
    (r"system message|role.{0,3}system|'system'|\"system\"|system messages", lambda p: replace(p, mid_system=False)),
)
_ALTERNATE: Final = re.compile(r"roles? must alternate|must alternate|alternating|consecutive|unexpected role")
_TO_START_OTHERWISE: Final = re.compile(r"--enable-auto-tool-choice|--tool-call-parser|--jinja")
"""The server could, if it were started otherwise. That is to be told, not to be learned."""


def mended(profile: Profile, answer: Answer, request: Request) -> Profile | None:
    """The profile of a server that refused `request` so; `None` where it teaches nothing, or nothing that would change
    what is sent."""
    if answer.status not in _STATUSES:
        return None
    param = text(fields(answer.said.error).get("param"))
    words = f"{param} {answer.said.code} {answer.said.message}".lower()
    if _TO_START_OTHERWISE.search(words):
        return None
    if _ALTERNATE.search(words):
        return _if_other(replace(profile, mid_system=False, same_role_twice=False), profile, request)
    if not _UNKNOWN.search(words):
        return None
    for sign, mend in _MENDS:
        if re.search(sign, words) and (learned := _if_other(mend(profile), profile, request)):
            return learned
    return None


def _if_other(learned: Profile, profile: Profile, request: Request) -> Profile | None:
    return learned if body_of(request, learned) != body_of(request, profile) else None


def _other_limit(profile: Profile) -> str:
    return "max_tokens" if profile.limit_field == "max_completion_tokens" else "max_completion_tokens"


def _weaker(profile: Profile) -> str:
    return "json_object" if profile.structured == "json_schema" else "prompt"
