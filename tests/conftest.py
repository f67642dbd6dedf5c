"""What every test gets: one event loop, an alarm for whatever would block it, and no way to a real model."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

import blockbuster.blockbuster
import pytest
from hypothesis import settings

from orchestrator.testing import forbid_model_calls

# A shared machine may pause for longer than hypothesis' 200 ms; how long a test may take is pytest-timeout's business.
settings.register_profile("duologue", deadline=None)
settings.load_profile("duologue")

PACKAGES = ["orchestrator", "interaction", "background", "tools"]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Tests marked `anyio` run on asyncio, which is what Duologue runs on."""
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_real_models() -> Iterator[None]:
    """Whatever this machine's environment holds, no test asks a model that somebody pays for.

    A `ModelServer` is allowed while it runs; other addresses of this machine are with `allowing(port)`.
    """
    with forbid_model_calls():
        yield


@pytest.fixture(autouse=True)
def _no_blocking_call(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail an async test in which one of the four packages blocks the event loop.

    Only calls with a frame of the packages on their stack count: a test may prepare its files as it likes. blockbuster
    itself allows what the standard library cannot do otherwise: imports, source lines for a traceback, the start of a
    thread or of a process.
    """
    if request.node.get_closest_marker("anyio") is None:
        yield
        return

    # Raising is not enough, since a worker turns what a tool raises into a finding. So each call is also remembered.
    calls: list[str] = []

    class Remembered(blockbuster.BlockingError):
        def __init__(self, func: str) -> None:
            super().__init__(func)
            stack = traceback.format_stack()[-8:-2]  # the last two are blockbuster and this
            calls.append("".join([f"{func}\n", *stack]))

    monkeypatch.setattr(blockbuster.blockbuster, "BlockingError", Remembered)
    with blockbuster.blockbuster_ctx(PACKAGES) as watch:
        # pytest listens to logging through a file (on /dev/null), and a log line is one small buffered write.
        for write in ("io.TextIOWrapper.write", "io.BufferedWriter.write"):
            watch.functions[write].can_block_in("logging/__init__.py", {"emit"})
        yield
    if calls:
        pytest.fail("blocking calls on the event loop:\n\n" + "\n".join(calls))
