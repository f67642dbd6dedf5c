"""Which timing policy a name means: one of Duologue's, or `MODULE:NAME` of one's own."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from orchestrator.errors import ConfigError
from orchestrator.timing.moment import TimingPolicy
from orchestrator.timing.named import NAMED

__all__ = ["from_here", "make_sure_it_travels", "policy_named"]


@contextmanager
def from_here() -> Generator[None]:
    """Modules in the current folder can be imported, also by processes that are started meanwhile."""
    # A policy of the user's lies where they stand; last on the path, it shadows nothing.
    sys.path.append(str(Path.cwd()))
    try:
        yield
    finally:
        sys.path.remove(str(Path.cwd()))


def policy_named(name: str) -> TimingPolicy:
    """The policy of this name, or the one at `MODULE:NAME` (a policy, or what makes one without being told anything).

    Raises:
        ConfigError: there is no such policy, or what is there is none.
    """
    if name in NAMED:
        return NAMED[name]()
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise ConfigError(
            f"there is no policy {name!r}",
            f"there are {', '.join(NAMED)}",
            "use one of these, or name your own as MODULE:NAME",
        )
    try:
        with from_here():
            found: Any = import_module(module)
            for part in attribute.split("."):
                found = getattr(found, part)
            if isinstance(found, type) or not hasattr(found, "decide"):
                found = found() if callable(found) else found
    except Exception as problem:  # whatever a module of somebody else's does when it is imported or called
        raise ConfigError(
            f"the policy {name!r} cannot be found",
            f"{type(problem).__name__}: {problem}",
            "give MODULE:NAME as Python would import it from here; what makes a policy takes no arguments",
        ) from problem
    if not callable(getattr(found, "decide", None)):
        raise ConfigError(
            f"{name!r} is no policy", "it has no method decide(moment, pending)", "see docs/timing.md, Writing your own"
        )
    return cast(TimingPolicy, found)


def make_sure_it_travels(name: str, policy: TimingPolicy) -> None:
    """Several processes play, so a policy must come to another one whole.

    Raises:
        ConfigError: it does not.
    """
    try:
        pickle.dumps(policy)
    except Exception as problem:  # pickle raises what it meets
        raise ConfigError(
            f"the policy {name!r} cannot be sent to other processes",
            f"{type(problem).__name__}: {problem}",
            "make it a frozen struct with plain fields, at the top of a module; or give --jobs 1",
        ) from problem
