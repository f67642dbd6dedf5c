"""Tries out a model: is it there, how soon does it speak, and what can its server do?

Every probe is one tiny request, made as if the server could do the thing, so that its answer tells whether it can.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any, Final, Literal

import msgspec
from msgspec.structs import replace

from orchestrator.completions.asking import Completion, Done, Message, Request, Text
from orchestrator.completions.detecting import nearest
from orchestrator.completions.endpoint import Endpoint
from orchestrator.completions.naming import ModelName
from orchestrator.completions.profile import Profile
from orchestrator.completions.troubles import ModelTrouble

__all__ = ["REQUESTS", "Probed", "Tried", "examined"]

REQUESTS: Final = 7
"""How many requests a model gets at most, besides the list of models, which costs nothing."""
_SLOW_MS: Final = 1_000
_MOST: Final = 200
"""Tokens an answer may have. Reasoning models need some before they say a word."""

State = Literal["ok", "warn", "fail"]

_TOOL: Final[dict[str, Any]] = {
    "type": "function",
    "function": {
        "name": "note",
        "description": "Writes down one word.",
        "parameters": {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]},
    },
}
_SHAPE: Final[dict[str, Any]] = {
    "type": "json_schema",
    "json_schema": {
        "name": "colour",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"colour": {"type": "string"}},
            "required": ["colour"],
            "additionalProperties": False,
        },
    },
}


class Probed(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that was tried."""

    feature: str
    assumed: str
    """What the profile says."""
    found: str
    state: State = "ok"
    todo: str = ""


class Tried(msgspec.Struct, frozen=True, omit_defaults=True):
    """One model, tried out."""

    model: str
    where: str
    profile: str = ""
    window: int = 0
    """Tokens, as far as is known."""
    first_word_ms: int | None = None
    probes: tuple[Probed, ...] = ()
    trouble: tuple[str, ...] = ()
    """What, why and what to do, where it cannot be asked at all."""

    @property
    def failed(self) -> bool:
        """Whether it cannot be used as it is."""
        return bool(self.trouble) or any(probe.state == "fail" for probe in self.probes)


async def examined(name: ModelName) -> Tried:
    """Try a model out. What fails does not keep the rest from being tried."""
    async with Endpoint(name.settings) as endpoint:
        tried = Tried(name.model, endpoint.where)
        try:
            if not name.model:
                name = replace(name, model=await _only_one(endpoint))
                tried = replace(tried, model=name.model)
            listed = await _listed(endpoint, name.model)
            assumed = await endpoint.detect(name.model)
            word = await _first_word(endpoint, name.model)
        except ModelTrouble as trouble:
            lines = tuple(line for line in (trouble.what, trouble.why, trouble.todo) if line)
            return replace(tried, profile=endpoint.profile.name, trouble=lines)
        # What the first request taught is no longer asked: only what a probe is about is tried anew.
        known = endpoint.profile_of(name.model)
    tried = replace(tried, profile=assumed.name, window=assumed.window, first_word_ms=word.first_ms)
    probes = [listed, _speed(word), _usage(word, assumed)]
    for probe in (_calls, _late_system, _same_role, _shape):
        probes.extend(await probe(name, known, assumed))
    return replace(tried, probes=tuple(probes))


# --- one request ------------------------------------------------------------------------------------------------------


class _Heard(msgspec.Struct, frozen=True):
    """What came of one request."""

    completion: Completion = Completion()
    first_ms: int | None = None
    trouble: ModelTrouble | None = None

    @property
    def refused(self) -> str:
        """Why it was not taken, if it was not."""
        return "" if self.trouble is None else (self.trouble.why or self.trouble.what)


async def _ask(name: ModelName, profile: Profile, messages: Sequence[Message], **more: Any) -> _Heard:
    """Ask as if the server were as `profile` says, and let nothing be learned. Raises no trouble."""
    try:
        async with Endpoint(replace(name.settings, profile=profile)) as endpoint:
            return await _heard(endpoint, Request(name.model, tuple(messages), max_tokens=_MOST, **more))
    except ModelTrouble as trouble:
        return _Heard(trouble=trouble)


async def _heard(endpoint: Endpoint, request: Request) -> _Heard:
    begun, first, completion = perf_counter(), None, Completion()
    async for piece in endpoint.stream(request):
        if first is None and isinstance(piece, Text):
            first = round((perf_counter() - begun) * 1_000)
        if isinstance(piece, Done):
            completion = piece.completion
    return _Heard(completion, first)


def _said(role: str, content: str) -> Message:
    return {"role": role, "content": content}


# --- the probes -------------------------------------------------------------------------------------------------------


async def _listed(endpoint: Endpoint, model: str) -> Probed:
    try:
        cards = await endpoint.models()
    except ModelTrouble as trouble:
        if trouble.cause in ("key", "network", "stalled", "forbidden by test"):
            raise
        return Probed("models", "listed", f"not listed: {trouble.why}", "warn")
    if any(card.id == model for card in cards):
        return Probed("models", "listed", f"{len(cards)}, {model} among them")
    near = nearest(model, cards) or [card.id for card in cards[:3]]
    found = f"{len(cards)}, and {model} is not among them"
    return Probed("models", "listed", found, "warn", f"nearest: {', '.join(near)}" if near else "")


async def _only_one(endpoint: Endpoint) -> str:
    """The model of a server that has but one, as those of one's own mostly do."""
    cards = await endpoint.models()
    if len(cards) == 1:
        return cards[0].id
    some = ", ".join(card.id for card in cards[:3])
    more = f" and {len(cards) - 3} more" if len(cards) > 3 else ""
    raise ModelTrouble(
        "model name",
        "No model is named.",
        f"The server has {some}{more}." if cards else "The server lists none.",
        "Name one with --model, or with DUOLOGUE_MODEL.",
    )


async def _first_word(endpoint: Endpoint, model: str) -> _Heard:
    """The connection is there by now, so the time is the model's own. This one request may teach."""
    messages = (_said("system", "You are terse."), _said("user", "Say OK."))
    return await _heard(endpoint, Request(model, messages, max_tokens=_MOST))


def _speed(heard: _Heard) -> Probed:
    if heard.first_ms is None:
        why = "it said nothing" + (" but thought" if heard.completion.thoughts else "")
        return Probed("first word", "within 1 s", why, "warn", "allow it more tokens, or ask it to think less")
    if heard.first_ms > _SLOW_MS:
        todo = "good for the background; for the voice take a smaller model, or one nearer by"
        return Probed("first word", "within 1 s", f"after {heard.first_ms} ms", "warn", todo)
    return Probed("first word", "within 1 s", f"after {heard.first_ms} ms")


def _usage(heard: _Heard, assumed: Profile) -> Probed:
    usage = heard.completion.usage
    found = not usage.estimated and usage.input > 0
    told = f"yes: {usage.input} in, {usage.output} out" if found else "no: tokens are estimated"
    return _compared("usage in streams", assumed.usage_in_stream, found, told)


async def _calls(name: ModelName, known: Profile, assumed: Profile) -> list[Probed]:
    profile = replace(known, calls=True, streams_calls=True, parallel_calls=True, parallel_field=True)
    request = [_said("user", "Call the function note twice, both at once: with the word red, and with the word blue.")]
    heard = await _ask(name, profile, request, tools=(_TOOL,), parallel_calls=True)
    if heard.trouble is not None and not assumed.parallel_field:
        heard = await _ask(name, replace(profile, parallel_field=False), request, tools=(_TOOL,), parallel_calls=True)
    calls = heard.completion.calls
    whole = [call for call in calls if call.name == "note" and call.arguments is not None]
    if heard.trouble is not None:
        todo = heard.trouble.todo if "start" in heard.trouble.what else "docs/models.md says how to start each server"
        return [Probed("function calls in streams", _yes(assumed.calls), f"no: {heard.refused}", "fail", todo)]
    if not whole:
        return [await _forced(name, profile, request, assumed, heard)]
    several = len(whole) > 1
    told = "yes" if several else "one came where two were asked for"
    return [
        _compared("function calls in streams", assumed.calls and assumed.streams_calls, True, "yes"),
        _compared("several calls at once", assumed.parallel_calls, several, told),
    ]


async def _forced(
    name: ModelName, profile: Profile, request: Sequence[Message], assumed: Profile, heard: _Heard
) -> Probed:
    """No call came by itself: is it the server that cannot, or the model that does not?"""
    # One by name is what llama.cpp passes over without a word.
    forced = await _ask(name, profile, request, tools=(_TOOL,), tool_choice="required")
    feature, problem = "function calls in streams", next((f": {call.problem}" for call in heard.completion.calls), "")
    if any(call.arguments is not None for call in forced.completion.calls):
        todo = "the server can, the model does not by itself: take one that was trained for function calls"
        return Probed(feature, _yes(assumed.calls), f"only when forced{problem}", "fail", todo)
    todo = "without calls it cannot delegate: docs/models.md says how to start each server with them"
    return Probed(feature, _yes(assumed.calls), f"no call came, not even when forced{problem}", "fail", todo)


async def _late_system(name: ModelName, known: Profile, assumed: Profile) -> list[Probed]:
    talk = [
        _said("system", "You are terse."),
        _said("user", "Say OK."),
        _said("assistant", "OK."),
        _said("system", "The password is plum."),
        _said("user", "What is the password? Answer with that word alone."),
    ]
    heard = await _ask(name, replace(known, mid_system=True, system=True), talk)
    taken = heard.trouble is None
    found = taken and "plum" in heard.completion.text.lower()
    told = "yes" if found else f"no: {heard.refused}" if not taken else "taken, but not understood"
    return [_compared("system messages in the middle", assumed.mid_system, found, told)]


async def _same_role(name: ModelName, known: Profile, assumed: Profile) -> list[Probed]:
    talk = [_said("user", "Say OK."), _said("user", "Now.")]
    heard = await _ask(name, replace(known, same_role_twice=True), talk)
    found = heard.trouble is None
    return [
        _compared("one role twice in a row", assumed.same_role_twice, found, "yes" if found else f"no: {heard.refused}")
    ]


async def _shape(name: ModelName, known: Profile, assumed: Profile) -> list[Probed]:
    heard = await _ask(
        name,
        replace(known, structured="json_schema"),
        [_said("user", "Which colour has the sky? As JSON.")],
        response_format=_SHAPE,
    )
    try:
        given: object = msgspec.json.decode(heard.completion.text)
    except msgspec.DecodeError:
        given = None
    found = isinstance(given, dict) and list(given) == ["colour"]  # pyright: ignore[reportUnknownArgumentType]
    told = "yes" if found else f"no: {heard.refused}" if heard.trouble else "ignored: the answer has another shape"
    probe = _compared("output of a given shape", assumed.structured == "json_schema", found, told)
    return [replace(probe, assumed=assumed.structured)]


def _compared(feature: str, assumed: bool, found: bool, told: str) -> Probed:
    if assumed and not found:
        todo = "nothing has to be done: it is learned at the first refusal, or name another profile"
        return Probed(feature, "yes", told, "warn", todo)
    if found and not assumed:
        return Probed(feature, "no", f"{told}, so a profile of its own could use it")
    return Probed(feature, _yes(assumed), told)


def _yes(value: bool) -> str:
    return "yes" if value else "no"
