"""Every error of every server becomes one trouble with the right cause, three clear lines, and no secret."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from orchestrator.completions.diagnosis import Answer, cause_of, said_in, trouble_of
from orchestrator.completions.troubles import TRANSIENT, Cause, ModelTrouble, spoken
from orchestrator.completions.waiting_hints import seconds_of, waiting_hint

NOW = datetime(2026, 11, 26, 5, 0, tzinfo=UTC)


def openai(message: str, code: str | None = None, kind: str = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


ANSWERS: list[tuple[int | None, object, Cause]] = [
    # keys
    (401, openai("Incorrect API key provided: sk-12345678.", "invalid_api_key"), "key"),
    (401, {"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}}, "key"),
    (
        400,
        [{"error": {"code": 400, "message": "API key not valid. Please pass one.", "status": "INVALID_ARGUMENT"}}],
        "key",
    ),
    (403, openai("Country, region, or territory not supported", "unsupported_country"), "key"),
    (401, {"error": "Unauthorized"}, "key"),
    (401, "", "key"),
    # names
    (404, openai("The model `gpt-9` does not exist or you do not have access to it.", "model_not_found"), "model name"),
    (
        404,
        {"object": "error", "message": "The model `x` does not exist.", "type": "NotFoundError", "code": 404},
        "model name",
    ),
    (404, {"error": {"message": "model 'llama9' not found, try pulling it first", "type": "api_error"}}, "model name"),
    (400, {"error": {"message": "x/y is not a valid model ID", "code": 400}}, "model name"),
    (404, [{"error": {"code": 404, "message": "models/gemini-9 is not found for API version v1main"}}], "model name"),
    (400, openai("The model `llama2-70b-4096` has been decommissioned and is no longer supported."), "model name"),
    (404, {"detail": "Not Found"}, "bad request"),
    (404, "404 page not found", "bad request"),
    (405, {"detail": "Method Not Allowed"}, "bad request"),
    # limits
    (
        429,
        openai("Rate limit reached for gpt-5 on requests per min. Please try again in 1.2s.", "rate_limit_exceeded"),
        "rate limit",
    ),
    (429, openai("You exceeded your current quota, please check your plan.", "insufficient_quota"), "quota"),
    (
        429,
        [{"error": {"code": 429, "message": "You exceeded your current quota. Please retry in 33.6s."}}],
        "rate limit",
    ),
    (402, {"error": {"message": "Insufficient Balance", "type": "unknown_error"}}, "quota"),
    (400, {"error": {"type": "invalid_request_error", "message": "Your credit balance is too low"}}, "quota"),
    (429, openai("Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 40000."), "too long"),
    (None, {"error": {"code": 429, "message": "Provider returned error"}}, "rate limit"),
    # too long
    (400, openai("This model's maximum context length is 8192 tokens.", "context_length_exceeded"), "too long"),
    (
        400,
        {"error": {"type": "invalid_request_error", "message": "prompt is too long: 208310 tokens > 200000 maximum"}},
        "too long",
    ),
    (
        400,
        {
            "error": {
                "code": 400,
                "message": "the request exceeds the available context size. try increasing it",
                "type": "exceed_context_size_error",
                "n_ctx": 4096,
            }
        },
        "too long",
    ),
    (
        400,
        {"error": {"message": "The input token count (1300000) exceeds the maximum number of tokens allowed"}},
        "too long",
    ),
    (
        400,
        {
            "object": "error",
            "message": "The input (9000 tokens) is longer than the model's context length (8192 tokens).",
        },
        "too long",
    ),
    (413, "Payload Too Large: request too large", "too long"),
    # busy, failed
    (503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}, "busy"),
    (529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "busy"),
    (500, openai("The server had an error while processing your request."), "server"),
    (502, "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>", "server"),
    (500, "the server is overloaded", "busy"),
    (None, openai("The server had an error", kind="server_error"), "server"),
    (None, {"error": {"message": "Overloaded", "type": "overloaded_error"}}, "busy"),
    (408, openai("Request timeout"), "network"),
    # content
    (
        400,
        {
            "error": {
                "message": "The response was filtered due to the prompt triggering Azure's content management policy.",
                "code": "content_filter",
            }
        },
        "refused",
    ),
    (403, {"error": {"code": 403, "message": "Your input was flagged", "metadata": {"reasons": ["hate"]}}}, "refused"),
    # the rest
    (400, openai("Invalid value: 'wizard'."), "bad request"),
    (422, {"detail": [{"loc": ["body", "messages"], "msg": "field required", "type": "missing"}]}, "bad request"),
    (None, openai("Invalid value", kind="invalid_request_error"), "bad request"),
    (418, "", "bad request"),
]


@pytest.mark.parametrize(("status", "body", "cause"), ANSWERS, ids=lambda value: str(value)[:40])
def test_the_cause_is_right_and_the_lines_are_clear(status: int | None, body: object, cause: Cause) -> None:
    answer = Answer(status, said_in(body))
    assert cause_of(answer) == cause
    trouble = trouble_of(answer, model="m", where="http://h/v1", key_variable="OPENAI_API_KEY", now=NOW)
    assert trouble.cause == cause
    assert trouble.transient == (cause in TRANSIENT)
    for line in (trouble.what, trouble.todo):
        assert line
        assert line.endswith(".")
    assert all(len(line) <= 260 and "\n" not in line for line in (trouble.what, trouble.why, trouble.todo))


def test_no_secret_is_shown() -> None:
    said = said_in(openai("Bad key hunter2hunter2 and sk-proj-abcdefgh123 and Bearer xyz.zyx and AIzaSyD-12345678901"))
    trouble = trouble_of(
        Answer(401, said), model="m", where="w", key_variable="K", now=NOW, secrets=("hunter2hunter2", "")
    )
    for secret in ("hunter2", "abcdefgh", "xyz.zyx", "AIza"):
        assert secret not in str(trouble)


def test_what_a_terminal_obeys_and_long_words_are_cut() -> None:
    trouble = trouble_of(
        Answer(500, said_in("\x1b[31mboom\n" + "It went wrong somewhere. " * 100)),
        model="m",
        where="w",
        key_variable="K",
        now=NOW,
    )
    assert "\x1b" not in trouble.why
    assert len(trouble.why) <= 240
    assert trouble.why.endswith(".")


def test_a_page_of_a_proxy_becomes_its_title() -> None:
    said = said_in("<html><head><title>504 Gateway Time-out</title></head><body>" + "x" * 9_000)
    assert said.message == "504 Gateway Time-out"


def test_function_calling_that_was_not_started_says_how() -> None:
    words = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
    trouble = trouble_of(
        Answer(400, said_in(openai(words))), model="m", where="w", key_variable="OPENAI_API_KEY", now=NOW
    )
    assert trouble.cause == "bad request"
    assert "started without function calling" in trouble.what
    assert "--tool-call-parser" in trouble.why


HINTS: list[tuple[Mapping[str, str], str, object, float | None]] = [
    ({"retry-after-ms": "350"}, "", None, 0.35),
    ({"retry-after": "7"}, "", None, 7.0),
    ({"retry-after": "1.5"}, "", None, 1.5),
    ({"retry-after": "Thu, 26 Nov 2026 05:00:30 GMT"}, "", None, 30.0),
    ({"retry-after": "Thu, 26 Nov 2026 04:00:00 GMT"}, "", None, 0.0),
    ({"retry-after": "soon"}, "try again in 3s", None, 3.0),
    ({"retry-after-ms": "100", "retry-after": "9"}, "", None, 0.1),
    ({}, "Please try again in 1.2s. Visit https://x.", None, 1.2),
    ({}, "Please try again in 120ms.", None, 0.12),
    ({}, "Please try again in 6m0s.", None, 360.0),
    ({}, "Please retry in 33.6s.", None, 33.6),
    ({}, "try again in 2 minutes and 5 seconds", None, 125.0),
    ({}, "Wait 20 seconds.", None, 20.0),
    ({}, "Limit 30000, used 12", None, None),
    ({}, "", {"details": [{"@type": "x.RetryInfo", "retryDelay": "34s"}]}, 34.0),
    ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "6m0s"}, "", None, 1.0),
    (
        {
            "x-ratelimit-reset-requests": "1s",
            "x-ratelimit-remaining-requests": "12",
            "x-ratelimit-reset-tokens": "6m0s",
            "x-ratelimit-remaining-tokens": "0",
        },
        "",
        None,
        360.0,
    ),
    ({"anthropic-ratelimit-requests-reset": "2026-11-26T05:00:12Z"}, "", None, 12.0),
    ({"x-ratelimit-reset": "1795669210000"}, "", None, 10.0),
    ({}, "", None, None),
]


@pytest.mark.parametrize(("headers", "words", "error", "seconds"), HINTS)
def test_how_long_to_wait(headers: Mapping[str, str], words: str, error: object, seconds: float | None) -> None:
    assert waiting_hint(headers, words, error, now=NOW) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("span", "seconds"),
    [("2", 2), ("1h2m3s", 3723), ("90ms", 0.09), ("1.5 minutes", 90), ("never", None), ("-1", None), ("nan", None)],
)
def test_spans(span: str, seconds: float | None) -> None:
    assert seconds_of(span) == pytest.approx(seconds)


@pytest.mark.parametrize("cause", get_args(Cause))
@pytest.mark.parametrize("wait", [None, 0.5, 20.0, 600.0, 20_000.0])
def test_what_is_said_to_a_person_is_one_short_sentence(cause: Cause, wait: float | None) -> None:
    said = spoken(ModelTrouble(cause, "a", "http://secret/", "Set OPENAI_API_KEY, or correct it.", retry_after_s=wait))
    assert len(said) <= 110
    assert said.count(".") == 1
    assert said.endswith(".")
    assert "secret" not in said


def test_what_is_said_names_the_way_out() -> None:
    key = ModelTrouble("key", "x", todo="Set ANTHROPIC_API_KEY, or correct it.")
    assert spoken(key) == "The model server says the key is missing or wrong; set ANTHROPIC_API_KEY and start again."
    limit = ModelTrouble("rate limit", "x", retry_after_s=20.4)
    assert spoken(limit) == "The model server wants fewer requests just now; ask again in 20 seconds."
