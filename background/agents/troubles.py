"""What went wrong in an agent of another make, in one line for a person.

The SDKs raise what the `openai` client raises, or wrap it. It is told by its status, and by its name where it has
none: no SDK need be imported for that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from typing import Final, cast

from orchestrator.errors import ClaimLost, DuologueError
from orchestrator.finding import Finding

__all__ = ["as_finding", "or_trouble"]

BY_STATUS: Final = {
    400: "the model does not take what was sent to it",
    401: "the key for the model is missing or wrong",
    403: "the key may not use this model",
    404: "there is no model of that name there",
    408: "the model took too long",
    413: "the conversation is too long for the model",
    422: "the model does not take what was sent to it",
    429: "the model had too many requests, or nothing is left to spend",
    529: "the model is overloaded",
}

BY_NAME: Final = {
    "APITimeoutError": "the model took too long",
    "APIConnectionError": "the model cannot be reached",
    "ConnectError": "the model cannot be reached",
    "APIResponseValidationError": "the model answered in a way that could not be read",
    "RemoteProtocolError": "the model broke off in the middle",
    "ReadError": "the model broke off in the middle",
    "ReadTimeout": "the model took too long",
    "MaxTurnsExceeded": "it went round in circles and was stopped",
    "UsageLimitExceeded": "it used up what it may use",
    "GraphRecursionError": "it went round in circles and was stopped",
    "InputGuardrailTripwireTriggered": "one of its rules forbids it",
    "OutputGuardrailTripwireTriggered": "one of its rules forbids the answer it had",
    "ContentFilterError": "the model refused it",
    "ModelBehaviorError": "the model answered in a way that could not be used",
    "UnexpectedModelBehavior": "the model answered in a way that could not be used",
    "ToolRetryError": "the model answered in a way that could not be used",
    "APIError": "the model broke off in the middle",
}


async def or_trouble(work: Awaitable[Finding]) -> Finding:
    """What the work came to, or the trouble that it ran into. A bug passes as it is."""
    try:
        return await work
    except Exception as error:
        trouble = as_finding(error)
        if trouble is None:
            raise
        return trouble


def as_finding(error: Exception) -> Finding | None:
    """The error finding for it; `None` where it is no trouble of a model, but a bug.

    Raises what of it is ours (`ClaimLost` and its kin): an SDK may only have wrapped it.
    """
    for link in _chain(error):
        if isinstance(link, ClaimLost):
            raise link
        if isinstance(link, DuologueError):
            return Finding.error(f"I could not finish that: {link.what}.")
        why = _why(link)
        if why:
            return Finding.error(f"I could not finish that: {why}.")
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        link = waiting.pop()
        if id(link) in seen:
            continue
        seen.add(id(link))
        # The innermost knows best, so it comes first: an SDK says "unexpected", the client says "401".
        inner = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
        deeper = list(_chain_of(inner, seen))
        if isinstance(link, BaseExceptionGroup):
            for one in cast("BaseExceptionGroup[BaseException]", link).exceptions:
                deeper += _chain_of(one, seen)
        yield from deeper
        yield link


def _chain_of(error: BaseException | None, seen: set[int]) -> Iterator[BaseException]:
    if error is not None and id(error) not in seen:
        yield from _chain(error)


def _why(error: BaseException) -> str:
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return BY_STATUS.get(status, f"the model's server failed ({status})" if status >= 500 else "")
    return next((BY_NAME[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in BY_NAME), "")
