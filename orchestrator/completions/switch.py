"""The switch that forbids real model calls, so that a test run costs nothing and tells nobody anything.

Two ways to turn it: the variable DUOLOGUE_ALLOW_MODEL_CALLS (`0` forbids all, `1` allows all, `HOST:PORT,HOST:PORT`
forbids all but these), and `forbid_model_calls()` around tests. What a test has started itself on loopback stays
allowed: a server says so with `allowing`.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

from orchestrator.completions.endpoint_settings import is_loopback, shown_url
from orchestrator.completions.troubles import ModelTrouble

__all__ = ["VARIABLE", "allowing", "check_allowed", "forbid_model_calls"]

VARIABLE: Final = "DUOLOGUE_ALLOW_MODEL_CALLS"

# Of the whole process: a fixture and the test it is for do not share a context.
_forbidden: list[object] = []
_own_ports: list[int] = []


@contextmanager
def forbid_model_calls() -> Generator[None]:
    """Within, every call of a real model raises `ModelTrouble("forbidden by test")`, but for a `ModelServer` that the
    test started.

    As a fixture, for all tests of a run:

    >>> @pytest.fixture(autouse=True)
    ... def no_real_models():
    ...     with forbid_model_calls():
    ...         yield
    """
    mark = object()
    _forbidden.append(mark)
    try:
        yield
    finally:
        _forbidden.remove(mark)


@contextmanager
def allowing(port: int) -> Generator[None]:
    """Within, the server on this port of this machine is one that the test started."""
    _own_ports.append(port)
    try:
        yield
    finally:
        _own_ports.remove(port)


def check_allowed(url: str) -> None:
    """Raise `ModelTrouble` where calls of the server at `url` are forbidden."""
    said = os.environ.get(VARIABLE, "").strip()
    if not _forbidden and said in ("", "1"):
        return
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if is_loopback(url) and port in _own_ports:
        return
    named = {address.strip().lower() for address in said.split(",")}
    if f"{parts.hostname}:{port}" in named:
        return
    by = "forbid_model_calls()" if _forbidden else f"{VARIABLE}={said}"
    raise ModelTrouble(
        "forbidden by test",
        f"A real model at {shown_url(url)} was to be called in a test.",
        f"{by} forbids it.",
        "Use orchestrator.testing: ScriptedCompletions, or a ModelServer that the test starts.",
    )
