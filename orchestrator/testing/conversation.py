"""A whole conversation as a test: who does what when, held in virtual time, and what is expected of it.

The session, the driver, the bus, the worker, the voice and the reasoner are the real ones; an hour takes as long as
its work, and the same script gives the same journal. All times are whole milliseconds: of session time for the person
(`at`), from its call for a tool (`after`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Self

import anyio

from orchestrator.bundle import Bundle
from orchestrator.config import SessionConfig
from orchestrator.equipment import ToolLike
from orchestrator.errors import UsageError
from orchestrator.journal import Record, Recorder
from orchestrator.ports import Desk, InteractionModel, Reasoner, Tool
from orchestrator.scenario import GivenDelegation, GivenModel, GivenStep
from orchestrator.testing.conversation_expect import Expectations
from orchestrator.testing.conversation_person import PersonLink, ScriptedPerson, Span
from orchestrator.testing.conversation_picture import picture
from orchestrator.testing.conversation_record import Account
from orchestrator.testing.scripted_tool import ScriptedTool
from orchestrator.testing.virtual import run_virtual
from orchestrator.timing import TimingPolicy

if TYPE_CHECKING:
    from orchestrator.assistant import Assistant

__all__ = ["Conversation", "ToolScript", "VoiceScript"]

LONGEST_MS: Final = 3_600_000
PATIENCE_MS: Final = 120_000


class ToolScript:
    """What a tool of the conversation does, each time it is called. `after`: milliseconds from the call."""

    def __init__(self, name: str, about: str) -> None:
        self.name: str = name
        self.about: str = about
        self.calls: list[dict[str, Any]] = []
        """The arguments of every call, once the conversation has been held."""
        self._steps: list[GivenStep] = []

    def progress(self, text: str, *, after: int) -> Self:
        """Tell what it is doing."""
        return self._step(GivenStep(after, progress=text))

    def returns(self, text: str, *, after: int = 0) -> Self:
        """End with a result."""
        return self._step(GivenStep(after, result=text))

    def fails(self, text: str, *, after: int = 0) -> Self:
        """End with a failure, which the person is told in these words."""
        return self._step(GivenStep(after, error=text))

    def build(self) -> Tool:
        """The tool. Raises `ConfigError` for a script that does not end, or goes back in time."""
        tool = ScriptedTool(self.name, self.about, self._steps)
        self.calls = tool.calls
        return tool

    def _step(self, step: GivenStep) -> Self:
        self._steps.append(step)
        return self


class VoiceScript:
    """What the assistant's voice says and hands over. Without a rule it is the embedded voice, `"reflex"`."""

    def __init__(self) -> None:
        self.rules: list[GivenModel] = []

    def when(self, pattern: str, *, says: str = "", delegates: str | ToolScript = "", task: str = "") -> Self:
        """When `pattern` (a regular expression, case ignored) is found in what the person said, say `says` and hand
        work over to the tool `delegates`; without `task`, the person's own words are the task. The first rule that fits
        counts."""
        tool = delegates if isinstance(delegates, str) else delegates.name
        given = GivenDelegation(tool=tool, task=task) if tool or task else None
        self.rules.append(GivenModel(pattern, says, given))
        return self


class Conversation:
    """A script of a conversation, and then the conversation.

    >>> talk = Conversation()
    >>> talk.voice.when("train", says="Let me see.", delegates="trains")
    >>> talk.tool("trains").returns("The 9:12, direct.", after=2_000)
    >>> talk.person.types("when is the next train to Lyon?", at=0)
    >>> talk.run()
    >>> talk.expect.heard_once("9:12")

    The arguments are those of `Assistant`. `longest_ms` and `patience_ms` end a conversation that does not end by
    itself: how long it may be, and how long the person waits for words they mean to interrupt.
    """

    def __init__(
        self,
        *,
        tools: Sequence[ToolLike] = (),
        interaction: str | InteractionModel = "reflex",
        background: str | Reasoner | Callable[[Bundle, Desk], Awaitable[Any] | AsyncIterator[Any]] = "rules",
        timing: TimingPolicy | None = None,
        config: SessionConfig | None = None,
        longest_ms: int = LONGEST_MS,
        patience_ms: int = PATIENCE_MS,
    ) -> None:
        self.person: ScriptedPerson = ScriptedPerson()
        self.voice: VoiceScript = VoiceScript()
        self._tools = tuple(tools)
        self._interaction = interaction
        self._background = background
        self._timing = timing
        self._config = config or SessionConfig()
        self._limits = (longest_ms, patience_ms)
        self._scripts: dict[str, ToolScript] = {}
        self._account: Account | None = None

    def tool(self, name: str, about: str = "") -> ToolScript:
        """The tool with this name, for what it does; `about` is what the models are told of it."""
        script = self._scripts.setdefault(name, ToolScript(name, about or f"Looks up {name}."))
        script.about = about or script.about
        return script

    def run(self) -> None:
        """Hold the conversation, in virtual time, to its end.

        Raises:
            AssertionError: it did not end, or the person waited in vain for what they meant to interrupt.
            UsageError: it was held already, or this is an async test.
            ConfigError: a tool's script does not end, or a setting is wrong.
        """
        __tracebackhide__ = True
        if self._account is not None:
            raise UsageError("The conversation has been held.", "It can be held once.", "Make another Conversation.")
        if _on_a_loop():
            raise UsageError(
                "A conversation is held on an event loop of its own.",
                "There is one that runs already.",
                "Write the test as a plain `def`, without async.",
            )
        if self._config.hearing == "reported":
            raise UsageError(
                "This person has no loudspeaker.",
                'hearing="reported" waits for a client that confirms what was played.',
                'Test timing with hearing="shown".',
            )
        assistant, recorder = self._assistant(), Recorder()
        unmet, ended = run_virtual(lambda: self._hold(assistant, recorder))
        self._account = Account(recorder.records)
        if not ended:
            self._fail(f"The conversation did not end within {self._limits[0]:,} ms.", "Something is still owed.")
        if unmet:
            words = ", ".join(f'"{each}"' for each in unmet)
            self._fail(f"The person waited in vain for the assistant to say {words}.", "So they never interrupted.")

    @property
    def expect(self) -> Expectations:
        """What is expected of it. Raises `UsageError` before `run`."""
        return Expectations(self._held(), self.person.acts)

    @property
    def records(self) -> Sequence[Record]:
        """The journal. Raises `UsageError` before `run`."""
        return self._held().records

    def picture(self, *, from_ms: int | None = None, to_ms: int | None = None) -> str:
        """The conversation to read: lanes, then a line for all that happened, with the reasons of the decisions.

        With a time given, that part is marked. Raises `UsageError` before `run`.
        """
        account = self._held()
        marks = () if from_ms is None and to_ms is None else (Span(from_ms or 0, to_ms or account.ends_ms),)
        return picture(account, self.person.acts, marks)

    @property
    def held(self) -> bool:
        """Whether it has been held."""
        return self._account is not None

    def _held(self) -> Account:
        if self._account is None:
            raise UsageError("The conversation has not been held.", "There is nothing to look at.", "Call run() first.")
        return self._account

    def _fail(self, what: str, why: str) -> None:
        __tracebackhide__ = True
        raise AssertionError(f"{what}\n{why}\n\n{self.picture()}")

    def _assistant(self) -> Assistant:
        from orchestrator.assistant import Assistant
        from orchestrator.simulation import scripted_voice

        if self.voice.rules and self._interaction != "reflex":
            raise UsageError(
                "The conversation has two voices.",
                "There are rules for the voice, and an interaction model was given.",
                "Keep one of them.",
            )
        return Assistant(
            tools=(*self._tools, *(script.build() for script in self._scripts.values())),
            interaction=scripted_voice(self.voice.rules) if self.voice.rules else self._interaction,
            background=self._background,
            timing=self._timing,
            config=self._config,
        )

    async def _hold(self, assistant: Assistant, recorder: Recorder) -> tuple[tuple[str, ...], bool]:
        longest_ms, patience_ms = self._limits
        link: PersonLink = self.person.link(patience_ms=patience_ms)
        with anyio.move_on_after(longest_ms / 1_000) as scope:
            await assistant.converse(link, id=self._config.id, journal=recorder)
        return link.unmet, not scope.cancelled_caught


def _on_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
