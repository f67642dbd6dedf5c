"""The pytest plugin of Duologue. Installed with it, so that its fixtures are there; it changes nothing by itself.

- `conversation`: makes a `Conversation`; when the test fails, the report has its picture and its journal.
- `manual_clock`: a `ManualClock` at 0.
- `forbid_model_calls`: no real model can be called in this test.
- the setting `duologue_forbid_model_calls = true` forbids it in all tests.

A fixture of your own with the same name comes before these. Every run of pytest loads this file, so it imports nothing
until a fixture is used.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from orchestrator.clock import ManualClock
    from orchestrator.testing.conversation import Conversation

__all__: list[str] = []

# pytest is not among what Duologue needs, so its types are `Any` where a hook of this file names them.

SETTING: Final = "duologue_forbid_model_calls"
_SHOWN: Final = 400
"""Lines of a journal that a report has; what comes before is left out."""

_held: pytest.StashKey[list[Conversation]] = pytest.StashKey()


def pytest_addoption(parser: Any) -> None:
    """Tell pytest of the setting."""
    parser.addini(SETTING, "Forbid every call of a real model in tests (Duologue).", type="bool", default=False)


def pytest_configure(config: Any) -> None:
    """Forbid model calls where that is asked for."""
    if config.getini(SETTING):
        from orchestrator.testing import forbid_model_calls

        # For the whole run, and not as a fixture: so nobody else has one more fixture for each test.
        forbidding = ExitStack()
        forbidding.enter_context(forbid_model_calls())
        config.add_cleanup(forbidding.close)


@pytest.hookimpl(wrapper=True)
def _makereport(item: Any, call: Any) -> Generator[None, Any, Any]:
    report = yield
    if report.when == "call" and report.failed:
        for number, talk in enumerate(item.stash.get(_held, []), 1):
            if talk.held:
                name = f"Duologue conversation {number}"
                picture = talk.picture()
                # An expectation that failed has shown it already; its lines are indented there, so one is looked for.
                if picture.splitlines()[1].strip() not in report.longreprtext:
                    report.sections.append((name, picture))
                report.sections.append((f"{name}: journal", _journal(talk)))
    return report


pytest_runtest_makereport: Final[Callable[[Any, Any], Generator[None, Any, Any]]] = _makereport


def _journal(talk: Conversation) -> str:
    from orchestrator.journal import encode_record

    lines = [encode_record(record.at, record.n, record.item).decode() for record in talk.records]
    left_out = [f"({len(lines) - _SHOWN} lines before)"] if len(lines) > _SHOWN else []
    return "\n".join([*left_out, *lines[-_SHOWN:]])


@pytest.fixture(name="conversation")
def _conversation(request: Any) -> Callable[..., Conversation]:
    """Makes a `Conversation` of whatever an `Assistant` is made of: `conversation(timing=..., tools=[...])`."""
    from orchestrator.testing.conversation import Conversation

    made = request.node.stash.setdefault(_held, [])

    def make(**given: Any) -> Conversation:
        talk = Conversation(**given)
        made.append(talk)
        return talk

    return make


@pytest.fixture(name="manual_clock")
def _manual_clock() -> ManualClock:
    """A clock that stands still until the test moves it."""
    from orchestrator.clock import ManualClock

    return ManualClock()


@pytest.fixture(name="forbid_model_calls")
def _forbid_model_calls() -> Generator[None]:
    """No real model can be called in this test; a `ModelServer` that it starts can."""
    from orchestrator.testing import forbid_model_calls

    with forbid_model_calls():
        yield
