"""A scenario: what the person does on which cue, what the background does, and what is true. One JSON file.

Everything is written out, each key with its time, so that whoever plays a scenario needs no chance and gets the same
person: they only wait for cues. All times are milliseconds.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any, Final, Literal, TypeAlias

import msgspec

from orchestrator.errors import ScenarioError
from orchestrator.finding import Urgency

__all__ = [
    "Arrival",
    "Cue",
    "Fact",
    "Happening",
    "Meaning",
    "On",
    "Scenario",
    "Step",
    "Stroke",
    "Work",
    "encode_scenario",
    "read_scenario",
]

On: TypeAlias = Literal[
    "start",
    "step.begins",
    "step.ends",
    "speech.begins",
    "speech.ends",
    "fact.ready",
    "fact.begins",
    "fact.told",
    "request.taken",
    "arrival",
    "never",
]
"""What may be waited for. `request.taken`: the system has handed the request over. `arrival`: the one before it in the
same work is out. `speech.*`: any utterance of the assistant. `never`: only `within_ms` counts."""


class Happening(msgspec.Struct, frozen=True):
    """Something that others may wait for; `of` names the step, fact or request."""

    on: On
    of: str = ""


class Cue(msgspec.Struct, frozen=True, omit_defaults=True):
    """When something is done: `after_ms` after the first `on` that comes once it is next.

    With `of`, that one is waited for, and it counts also if it came before. Where it has not come `within_ms` after it
    was next, it is done all the same: nobody waits for ever.
    """

    on: On = "step.ends"
    of: str = ""
    after_ms: int = 0
    within_ms: int = 20_000

    def met_by(self, happening: Happening) -> bool:
        """Whether this is what is waited for."""
        return self.on == happening.on and self.of in ("", happening.of)

    def past(self, happenings: Container[Happening]) -> bool:
        """Whether what is waited for has come before; what has no name must come anew."""
        return bool(self.of) and Happening(self.on, self.of) in happenings


class Stroke(msgspec.Struct, frozen=True, omit_defaults=True):
    """A key, or a word that sounds for `ms`, `at_ms` after the step began. `delete`: `text` is taken back."""

    at_ms: int
    text: str
    ms: int = 0
    op: Literal["insert", "delete"] = "insert"


class Meaning(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a line of the person means to whoever understands it: what to say, and what to do about work."""

    say: str = ""
    """The answer; empty: none is expected."""
    asks: str = ""
    """The request to be handed over."""
    instead_of: str = ""
    """The request that `asks` takes the place of."""
    corrects: str = ""
    """The request that goes on as `asks` from here: a correction of running work."""
    cancels: str = ""
    stale: tuple[str, ...] = ()
    """The facts that are not wanted any more once the line has been said."""


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing the person does.

    `types` and `speaks` are turns of theirs with a `line`; `aside` is speech to somebody else; `backchannels` is a
    listener's word; `away` is an absence of `lasts_ms`, and `cut-off` one in which their connection is gone as well.
    """

    id: str
    cue: Cue
    how: Literal["types", "speaks", "aside", "backchannels", "away", "cut-off"] = "types"
    line: str = ""
    strokes: tuple[Stroke, ...] = ()
    lasts_ms: int = 0
    """From the step's beginning to its end."""
    enter: bool = True
    """Whether a typed line ends with Enter; without it only its meaning and the silence tell that it is whole."""
    means: Meaning = Meaning()
    yields_ms: int = 0
    """How long the person stops when the assistant begins to speak over them; 0: they go on."""


class Fact(msgspec.Struct, frozen=True, omit_defaults=True):
    """A piece of an answer. It is told when its `words` have been said whole."""

    id: str
    words: str
    request: str
    must: bool = True


class Arrival(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that comes from the background.

    `dies`: the worker is gone, and a second attempt begins with the next arrival. `final` and `error` are terminal.
    """

    cue: Cue
    kind: Literal["running", "progress", "partial", "final", "error", "dies"] = "final"
    seq: int = 0
    """The number within the attempt, from 1; out of order, where the transport mixes up messages."""
    text: str = ""
    facts: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    """Facts that are not true any more with this."""
    attempt: int = 1
    urgency: Urgency = "normal"
    expires_ms: int = 0
    """How long its facts stay true after it has arrived; 0: for good."""
    again_ms: tuple[int, ...] = ()
    """The transport delivers it once more so long after it."""


class Work(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the background does about a request, in order."""

    request: str
    arrivals: tuple[Arrival, ...]
    deaf: bool = False
    """Its results come also after it was called off or replaced: they were on their way."""


class Scenario(msgspec.Struct, frozen=True):
    """All of it. `think_ms` is how long the voice takes to its first word."""

    id: str
    family: str
    seed: int
    think_ms: int
    steps: tuple[Step, ...]
    facts: tuple[Fact, ...]
    works: tuple[Work, ...]
    limit_ms: int = 180_000
    """The run ends here at the latest."""

    def __post_init__(self) -> None:
        facts = {fact.id for fact in self.facts}
        requests = {work.request for work in self.works}
        named = {
            fact for work in self.works for arrival in work.arrivals for fact in (*arrival.facts, *arrival.replaces)
        }
        named |= {fact for step in self.steps for fact in step.means.stale}
        asked = {step.means.asks for step in self.steps if step.means.asks}
        for what, unknown in (("facts", named - facts), ("requests", asked - requests)):
            if unknown:
                raise ScenarioError(
                    f"scenario {self.id} names {what} that it does not have", ", ".join(sorted(unknown))
                )
        if len({step.id for step in self.steps}) < len(self.steps):
            raise ScenarioError(f"scenario {self.id} has two steps of one name")


_HELP: Final = "see docs/benchmark.md for the format"


def encode_scenario(scenario: Scenario) -> bytes:
    """The scenario as a file: JSON, a field a line down to the strokes."""
    plain: Any = msgspec.to_builtins(scenario)
    return msgspec.json.format(msgspec.json.encode(plain), indent=1) + b"\n"


def read_scenario(raw: bytes, name: str) -> Scenario:
    """Read a file; `name` is what messages call it. Raises `ScenarioError`."""
    try:
        return msgspec.json.decode(raw, type=Scenario)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{name} is no scenario of the benchmark", str(error), _HELP) from error
