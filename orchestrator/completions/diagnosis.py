"""What a server answers when it does not answer: put into one `ModelTrouble` with three clear lines. Pure.

No two servers say the same thing alike, so the status, the error's code and its words are all looked at. The words for
`too long` are those of OpenAI, vLLM, SGLang, llama.cpp, Anthropic, Gemini, Groq, Mistral and OpenRouter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from orchestrator.completions.json_reading import fields, items, text
from orchestrator.completions.troubles import Cause, ModelTrouble
from orchestrator.completions.waiting_hints import waiting_hint

__all__ = ["Answer", "Said", "cause_of", "said_in", "trouble_of"]

_LONGEST: Final = 240


def _any(*signs: str) -> re.Pattern[str]:
    return re.compile("|".join(signs))


_SECRETS: Final = re.compile(
    r"\b(?:sk|gsk|pk|rk|xai|key|or|hf)[-_][\w*.-]{6,}|AIza[\w-]{8,}|(?<=Bearer )\S+|\b[\w-]{40,}\b"
)
_QUOTA: Final = _any(
    r"insufficient[_ ](?:quota|balance|credit|funds)",
    r"exceeded your current quota",
    r"credit balance is too low",
    r"billing[_ ](?:hard[_ ])?limit",
    r"requires more credits|out of credits|spend(?:ing)? limit|payment required",
)
_TOO_LONG: Final = _any(
    r"context[_ ](?:length|window|size)|maximum context|exceed_context_size",
    r"(?:input|prompt|request) (?:is )?too (?:long|large)",
    r"too many (?:input )?tokens|token count .{0,40}exceeds|number of tokens .{0,60}exceeds",
    r"exceeds the (?:available|maximum|model's) (?:context|input|allowed|number of tokens)",
    r"longer than the (?:model|maximum)|maximum (?:input|prompt) length|string_above_max_length",
    r"reduce the length",
)
_MODEL: Final = _any(
    r"model[_ ]not[_ ]found|(?:unknown|invalid|no such) model|not a valid model",
    r"no (?:endpoints|allowed providers|instances) found",
    r"\bmodels?\b.{0,120}(?:not found|does(?: not|n't) exist|not exist|not loaded)",
    r"\bmodels?\b.{0,120}is not (?:available|supported|served|found)",
    r"\bmodels?\b.{0,120}(?:has been deprecated|decommissioned|no longer)",
    r"try pulling it",
)
_KEY: Final = _any(
    r"(?:invalid|incorrect|missing|wrong|expired|no|bad)[_ ](?:\w+[_ ])?(?:api[_ -]?key|key|credentials)",
    r"(?:bad|missing|invalid) authentication|api[_ ]key (?:not valid|is invalid|expired|required|not found)",
    r"authentication[_ ](?:error|fails|failed)|unauthori[sz]ed|no auth",
)
_REFUSED: Final = _any(
    r"content[_ ](?:filter|policy|management)|content_policy|responsibleai",
    r"flagged|prohibited[_ ]content|blocked by .{0,20}safety|safety system",
)
_BUSY: Final = _any(
    r"overloaded|at capacity|over capacity|no capacity|too busy|server busy|queue (?:is )?full|no slots? available",
    r"loading model|model is (?:still |currently )?loading|currently loading|not ready",
)
_RATE: Final = _any(r"rate[_ ]limit|too many requests|resource_exhausted|tokens per (?:minute|day)|requests per ")
_NEEDS_START: Final = _any(r"--enable-auto-tool-choice", r"--tool-call-parser", r"--jinja")


class Said(msgspec.Struct, frozen=True):
    """What an error body says, whatever its shape."""

    message: str = ""
    code: str = ""
    type: str = ""
    error: object = None
    """The error object itself."""


class Answer(msgspec.Struct, frozen=True):
    """An answer that is an error. `status` is `None` for one that came in the middle of a stream."""

    status: int | None
    said: Said
    headers: Mapping[str, str] = {}
    """Keyed in lower letters."""


def said_in(body: object) -> Said:
    """What an error body says: `{"error": {...}}`, `{"error": "..."}`, `[{"error": ...}]`, `{"detail": ...}`,
    `{"message": ...}`, or plain text."""
    if parts := items(body):
        return said_in(parts[0])
    given = fields(body)
    if not given:
        return Said(_plain(str(body or "")), error=body)
    if inner := items(given.get("error")) or fields(given.get("error")):
        found = said_in(inner)
        return found if found.message else msgspec.structs.replace(found, message=_text(given.get("message")))
    names = ("message", "error", "detail", "error_description", "msg")
    message = next((said for name in names if (said := _text(given.get(name)))), "")
    # OpenRouter puts the words of whoever serves the model below `metadata`.
    raw = text(fields(given.get("metadata")).get("raw"))
    if raw and raw not in message:
        message = f"{message}: {raw}"
    return Said(
        _plain(message), str(given.get("code") or ""), str(given.get("type") or given.get("status") or ""), given
    )


def cause_of(answer: Answer) -> Cause:
    """Whose trouble it is."""
    said, status = answer.said, answer.status
    if status is None and said.code.isdigit():
        status = int(said.code)
    words = f"{said.code} {said.type} {said.message}".lower()
    waits = re.search(r"(?:try again|retry) in|retrydelay", f"{words} {said.error}".lower())
    if "too large for" in words and ("per min" in words or "tpm" in words):
        return "too long"
    if "insufficient_quota" in words or status == 402 or (_QUOTA.search(words) and not waits):
        return "quota"
    if status == 401 or (status in (400, 403, None) and _KEY.search(words)):
        return "key"
    if status in (400, 403, None) and _REFUSED.search(words):
        return "refused"
    if status in (400, 413, 422, 500, None) and _TOO_LONG.search(words):
        return "too long"
    if status in (400, 403, 404, 422, None) and _MODEL.search(words):
        return "model name"
    match status:
        case 429:
            return "busy" if "overloaded" in words else "rate limit"
        case 403:
            return "key"
        case 408:
            return "network"
        case 409 | 425 | 503 | 529:
            return "busy"
        case int() if status >= 500:
            return "busy" if _BUSY.search(words) else "server"
        case int():
            return "bad request"
        case None if _RATE.search(words):
            return "rate limit"
        case None if _BUSY.search(words):
            return "busy"
        case None:
            return "bad request" if "invalid_request" in words else "server"


def trouble_of(
    answer: Answer,
    *,
    model: str,
    where: str,
    key_variable: str,
    now: datetime,
    secrets: Sequence[str] = (),
) -> ModelTrouble:
    """The trouble that `answer` is. `where` is the address as it may be shown; `secrets` never are."""
    cause = cause_of(answer)
    said = _short(_hidden(answer.said.message, secrets)) or (f"HTTP {answer.status}" if answer.status else "")
    hint = waiting_hint(answer.headers, answer.said.message, answer.said.error, now=now)
    waits = f"It works again in {hint:.3g} s." if hint is not None else ""
    match cause:
        case "rate limit":
            what, todo = "The model server wants fewer requests.", waits or "Wait a little, or raise the limit there."
        case "quota":
            what, todo = "There is nothing left to spend at the model server.", "See billing and limits there."
        case "key":
            what = "The model server refused the key."
            todo = f"Set {key_variable}, or correct it."
        case "model name":
            what, todo = f"There is no model {model!r} at {where}.", "Name one that is there."
        case "network":
            what, todo = f"The model server at {where} took too long.", "Try again."
        case "busy":
            what, todo = "The model server is busy, or still loading.", waits or "Wait a little and try again."
        case "too long":
            what, todo = f"The prompt is too long for {model!r}.", "Send less, or use a model with a larger window."
        case "refused":
            what, todo = "The model server's content filter refused it.", "Say it otherwise."
        case "bad request" if answer.status in (404, 405, 301, 302, 307, 308):
            what = f"No model answers at {where}."
            todo = "Correct the address: most end in /v1."
        case "bad request" if _NEEDS_START.search(answer.said.message):
            what = "The model server was started without function calling."
            todo = "Start it again with what it asks for; docs/models.md has the commands."
        case "bad request":
            what = "The model server does not take what was sent."
            todo = "Another profile may help: see docs/models.md."
        case _:
            what, todo = "The model server failed.", "Try again; if it stays so, see the server's own log."
    return ModelTrouble(cause, what, said, todo, retry_after_s=hint, status=answer.status)


def _text(value: object) -> str:
    """One line of whatever stands where the message should. FastAPI puts a list there."""
    if isinstance(value, str):
        return value
    if parts := items(value):
        return "; ".join(said for part in parts[:3] if (said := _text(part)))
    given = fields(value)
    place = ".".join(str(step) for step in items(given.get("loc")))
    return f"{place}: {given['msg']}" if place and "msg" in given else (said_in(given).message if given else "")


def _plain(text: str) -> str:
    """One line, without tags (a proxy answers with a page) and without what a terminal would obey."""
    if text.lstrip()[:1] == "<":
        title = re.search(r"<title>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
        text = title[1] if title else re.sub(r"<[^>]*>", " ", text)
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _hidden(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        if len(secret) > 4:
            text = text.replace(secret, "[key]")
    return _SECRETS.sub("[key]", text)


def _short(text: str) -> str:
    """Its first sentences, in at most 240 letters."""
    if len(text) <= _LONGEST:
        return text
    cut = text[: _LONGEST - 3]
    end = max(cut.rfind(stop) for stop in (". ", "! ", "? "))
    return cut[: end + 1] if end > _LONGEST // 3 else f"{cut.rsplit(' ', 1)[0]}..."
