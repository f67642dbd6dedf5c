"""`duologue simulate`: a conversation with a scripted person, in virtual or in real time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

import anyio
import msgspec

from orchestrator.bus.memory import MemoryBus
from orchestrator.clock import START, Instant, to_ms
from orchestrator.config import SessionConfig
from orchestrator.effects import Effect, Emit, StopSpeaking
from orchestrator.errors import ScenarioError
from orchestrator.events import Event, UserEvent, UserText
from orchestrator.journal import Recorder, encode_record
from orchestrator.ports import InteractionModel, Journal, Opening, Tool
from orchestrator.scenario import GivenModel, GivenTool, Scenario, read_scenario
from orchestrator.session import Session
from orchestrator.timing import TimingPolicy, default_policy

if TYPE_CHECKING:
    from background.alone import Alone

__all__ = ["converse", "run_scenario", "running", "scripted_voice", "simulate", "simulate_virtually"]


def simulate(path: Path, *, clock: Literal["virtual", "real"], as_json: bool, out: IO[bytes], notes: IO[str]) -> int:
    """Hold the conversation of the scenario at `path` and write its journal to `out`. Returns the exit code.

    Raises `ScenarioError` where the scenario cannot be read.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise ScenarioError(
            f"{path} cannot be read", error.strerror or "", "give the path of a scenario file"
        ) from error
    scenario = read_scenario(lines, path.name)
    if scenario.skipped:
        notes.write(f"passed over, because not known here: {', '.join(scenario.skipped)}\n")
    printer = _Printer(out, as_json=as_json)
    if clock == "virtual":
        from orchestrator.testing.virtual import run_virtual

        run_virtual(lambda: run_scenario(scenario, journal=printer))
    else:
        anyio.run(lambda: run_scenario(scenario, journal=printer))
    printer.finish()
    return 0


def running(tools: Sequence[Tool]) -> Alone:
    """Tools as a worker runs them, without a task and with nobody to ask. For conformance checks."""
    from background.alone import Alone

    return Alone(tools)


def simulate_virtually(scenario: Scenario, *, timing: TimingPolicy | None = None) -> Recorder:
    """The journal of a scenario in virtual time. For tests and benchmarks."""
    from orchestrator.testing.virtual import run_virtual

    recorder = Recorder()
    run_virtual(lambda: run_scenario(scenario, journal=recorder, timing=timing))
    return recorder


async def run_scenario(scenario: Scenario, *, journal: Journal, timing: TimingPolicy | None = None) -> None:
    """Hold the conversation on the running loop, with the real driver, bus, worker and reasoner."""
    tools = [_tool(given) for given in scenario.tools]
    await converse(scenario.events, model=_voice(scenario.rules), tools=tools, journal=journal, timing=timing)


async def converse(
    events: Sequence[tuple[Instant, UserEvent]],
    *,
    model: InteractionModel,
    journal: Journal,
    tools: Sequence[Tool] = (),
    config: SessionConfig | None = None,
    timing: TimingPolicy | None = None,
) -> None:
    """Let a person who does `events`, each at its instant, talk with any voice, on the running loop.

    The driver, bus, worker and (rule-based) reasoner are the real ones. Where `events` do not end with `UserLeft`, what
    is still worked on is finished first.
    """
    from background.models.rules import RulesReasoner
    from background.worker import Worker
    from interaction.clock import SystemClock
    from interaction.links.scripted import ScriptedLink
    from interaction.loop import drive

    config = msgspec.structs.replace(config or SessionConfig(), wants_silence=model.traits.wants_silence)
    session = Session(config, timing=timing or default_policy(), started_at=START)
    clock = SystemClock()
    bus = MemoryBus()
    async with bus.front() as front, bus.worker(name="worker") as side, anyio.create_task_group() as group:
        group.start_soon(Worker(side, RulesReasoner(), tools).run)
        await drive(
            session,
            model=model,
            opening=Opening(session.config.id, tuple(tool.info for tool in tools)),
            link=ScriptedLink(events, clock),
            bus=front,
            clock=clock,
            journal=journal,
        )
        group.cancel_scope.cancel()


def scripted_voice(rules: Sequence[GivenModel]) -> InteractionModel:
    """A voice that follows `rules`. Raises `ScenarioError` where a pattern is not a regular expression."""
    from interaction.models.scripted import Handover, ScriptedModel, When

    return ScriptedModel(
        [
            When(
                rule.when,
                rule.say,
                Handover(tool=rule.delegate.tool, task=rule.delegate.task) if rule.delegate else None,
            )
            for rule in rules
        ]
    )


def _voice(rules: Sequence[GivenModel]) -> InteractionModel:
    if rules:
        return scripted_voice(rules)
    from interaction.models.reflex import ReflexModel

    return ReflexModel()


def _tool(given: GivenTool) -> Tool:
    from orchestrator.testing.scripted_tool import ScriptedTool

    return ScriptedTool(given.name, given.description or given.name, given.steps)


class _Printer:
    """A journal that is printed as it grows: as it is, or as a conversation to read."""

    def __init__(self, out: IO[bytes], *, as_json: bool) -> None:
        self._out = out
        self._as_json = as_json
        self._speaking = False
        self._typing = False

    def record(self, at: Instant, n: int, item: Event | Effect) -> None:
        """Print one record."""
        if self._as_json:
            self._out.write(encode_record(at, n, item) + b"\n")
            self._out.flush()
            return
        match item:
            case UserText(op="insert"):
                self._say("" if self._typing else f"{to_ms(at):>7}  you       ", item.text)
                self._typing, self._speaking = not item.final, False
                if item.final:
                    self._line()
            case Emit(style="card"):
                self._line(f"{to_ms(at):>7}  card      {item.text}")
            case Emit():
                self._say("" if self._speaking else f"{to_ms(at):>7}  duologue  ", item.text)
                self._speaking, self._typing = not item.ends, False
                if item.ends:
                    self._line()
            case StopSpeaking():
                self._say("", " --")
                self._line()
            case _:
                pass

    def _say(self, head: str, text: str) -> None:
        if head and (self._speaking or self._typing):
            self._line()
        self._out.write((head + text).encode())

    def _line(self, text: str = "") -> None:
        self._speaking = self._typing = False
        self._out.write(f"{text}\n".encode())

    def finish(self) -> None:
        """End the last line."""
        if self._speaking or self._typing:
            self._line()
        self._out.flush()
