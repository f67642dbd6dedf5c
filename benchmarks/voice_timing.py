"""When the chat voice speaks, and when it stops: real sessions on the system clock, a model over real HTTP."""

from __future__ import annotations

import math
from collections.abc import Mapping
from importlib import import_module
from statistics import median
from typing import Any, Final

import anyio
import msgspec

from benchmarks.measuring import Row, at_most, missing, percentile, shown
from benchmarks.talking import KEY, Background, Models, Person, model_process, talking
from interaction.models.chat import ChatModel
from interaction.models.chat_settings import ChatSettings
from orchestrator.completions.asking import FunctionCall
from orchestrator.config import SessionConfig
from orchestrator.testing import Asked, Reply

__all__ = ["timing"]

TURN_MS: Final = 200
HOLD_S: Final = 0.6
"""A line that ends a sentence gives the floor back after so much quiet: `SessionConfig.sentence_hold_ms`."""
BETWEEN_MS: Final = 25
"""A token every 25 ms: a hosted model of the middle sort."""
AS_OFTEN: Final = 60
"""Answers begun early a minute. By default it is 12; these persons say more lines a minute than anybody does."""
ASKS: Final = "when does ferry"
FOUND: Final = "noon, from pier"
TOPICS: Final = (
    *("sea", "wind", "moon", "garden", "river", "city", "old harbour", "mountain", "library", "winter"),
    *("market", "island", "orchard", "bridge", "valley", "desert", "forest", "lighthouse", "village", "summer"),
)
OPENERS: Final = (
    *("The {} is wide and quiet today, and I like it", "Well, the {} is older than it looks, they say"),
    *("It is a fine thing, the {}, on such a day", "I would call the {} calm and blue, at least from here"),
    *("Ah, the {}, full of birds at this time of the year", "As far as I know the {} is warm in the afternoon"),
    *("Many people like the {} best in the early morning", "Of the {} I have only heard, and all of it was good"),
)
TELLING: Final = (
    *("It sails at {}", "The answer is here: {}", "Good news: the boat leaves at {}", "I have it now: it is {}"),
    *("So, {}, if all goes well", "At {}, says the harbour", "Here we are: {}", "They say that it is {}"),
)
"""As models begin. A beginning that was said a moment ago is held back until it is certain how it goes on."""


class Cell(msgspec.Struct, frozen=True):
    """One way to talk to one model, over and over."""

    name: str
    first_ms: int
    preempt: bool = True
    enter_ms: int | None = None
    """Enter so long after the last key; `None`: never."""


class Answered(msgspec.Struct, frozen=True):
    """One line and its answer, in seconds of one clock."""

    begun: float
    end: float
    """The person has finished, as the session sees it: Enter, or the pause behind the sentence."""
    heard: float
    """The first words of the answer."""
    over: float


CELLS: Final = (
    Cell("plain-300", 300, preempt=False, enter_ms=150),
    *(Cell(f"early-{ms}", ms) for ms in (100, 300, 500)),
    *(Cell(f"enter-{enter}-{ms}", ms, enter_ms=enter) for enter in (400, 500) for ms in (100, 300)),
    *(Cell(f"late-{ms}", ms, preempt=False) for ms in (100, 300)),
    Cell("slow-900", 900),
)


def timing(*, small: bool = False) -> list[Row]:
    """Measure. Several cells at once: each is a session of its own with a model of its own."""
    trials = 1 if small else 20
    with model_process(_rules()) as models:
        return anyio.run(_measure, models, trials, CELLS[:2] if small else CELLS)


def _rules() -> list[Mapping[str, Any]]:
    rules: list[Mapping[str, Any]] = [
        {"model": cell.name, "reply": _replies(cell.first_ms)} for cell in (*CELLS, Cell("bare", 300))
    ]
    rules.append({"model": "story", "reply": _replies(100, long=True)})
    rules.append({"model": "finder", "contains": FOUND, "reply": _replies(300, found=True)})
    tasks = [{"task": f"departures of boat {place}", "say": "I'll look."} for place in range(60)]
    calls = [Reply(calls=(FunctionCall("", "delegate", task),), first_ms=100) for task in tasks]
    rules += [{"model": model, "contains": ASKS, "reply": calls} for model in ("finder", "busy")]
    rules.append({"model": "busy", "reply": _replies(300)})
    return rules


def _replies(first_ms: int, *, long: bool = False, found: bool = False) -> list[Reply]:
    """As many different ones as are asked for: the voice withholds what it has just said."""
    texts: list[str] = []
    for place in range(60):
        topic = TOPICS[place % len(TOPICS)]
        if long:
            texts.append(" ".join(f"Part {part} of {place} is about the {topic} and a cat." for part in range(40)))
        elif found:
            texts.append(f"{TELLING[place % len(TELLING)].format(f'{FOUND} {place}')}.")
        else:
            texts.append(f"{OPENERS[place % len(OPENERS)].format(topic)}.")
    # Ollama's shape: the first chunk holds the first word. In OpenAI's the first one is empty.
    return [Reply(text, first_ms=first_ms, between_ms=BETWEEN_MS, shape="ollama") for text in texts]


def _line(place: int) -> str:
    return f"what is the {TOPICS[place % len(TOPICS)]} like?"


# --- what is done ----------------------------------------------------------------------------------------------------


async def _measure(models: Models, trials: int, cells: tuple[Cell, ...]) -> list[Row]:
    answered: dict[str, list[Answered]] = {}
    stops: list[tuple[float, float]] = []
    found: list[tuple[float, float]] = []
    bare: list[tuple[float, float]] = []
    busy: list[Answered] = []
    async with anyio.create_task_group() as group:
        for cell in cells[1:]:
            answered[cell.name] = []
            group.start_soon(_converse, models, cell, trials, answered[cell.name])
    async with anyio.create_task_group() as group:
        answered[cells[0].name] = []
        group.start_soon(_converse, models, cells[0], trials, answered[cells[0].name])
        group.start_soon(_interrupt, models, trials, stops)
        group.start_soon(_find, models, trials, found)
        group.start_soon(_ask_bare, models, trials, bare)
        group.start_soon(_ask_busy, models, trials, busy)
    # The server tells of a request when its connection is through with it.
    await anyio.sleep(0.3)
    return [
        *_first_words(models, answered["plain-300"], bare),
        *_busy(models, busy),
        *(row for cell in cells[1:] for row in _ends(models, cell, answered[cell.name])),
        *_stops(models, stops),
        *_findings(models, found, bare),
    ]


def _voice(models: Models, name: str, *, preempt: bool = True) -> ChatModel:
    return ChatModel(name, endpoint=models.endpoint, settings=ChatSettings(preempt=preempt, preempts_a_minute=AS_OFTEN))


async def _converse(models: Models, cell: Cell, trials: int, into: list[Answered]) -> None:
    person = Person(CELLS.index(cell))
    await anyio.sleep(person.chance.random())
    async with talking(_voice(models, cell.name, preempt=cell.preempt), person, config=SessionConfig(id=cell.name)):
        for trial in range(trials):
            into.append(await _ask(person, cell, _line(trial)))
            # So that the grid, the keys and the model fall together in all ways.
            await anyio.sleep(person.chance.uniform(0.3, 0.7))


async def _ask(person: Person, cell: Cell, line: str) -> Answered:
    begun, since = anyio.current_time(), len(person.heard)
    last = await person.type(line)
    end = last + HOLD_S
    if cell.enter_ms is not None:
        await anyio.sleep_until(last + cell.enter_ms / 1_000)
        end = person.press("", final=True)
    heard = await person.hears(since)
    await person.hears_out(since)
    return Answered(begun, end, heard, anyio.current_time())


async def _ask_busy(models: Models, trials: int, into: list[Answered]) -> None:
    """Talk while a task is open."""
    person, cell = Person(70), Cell("busy", 300, enter_ms=150)
    bus = Background(after_s=lambda: math.inf)
    async with talking(_voice(models, "busy"), person, bus=bus, config=SessionConfig(id="busy", reassure_ms=None)):
        await _ask(person, cell, f"{ASKS} 0 sail?")
        for trial in range(trials):
            await anyio.sleep(person.chance.uniform(0.3, 0.7))
            into.append(await _ask(person, cell, _line(trial)))


async def _interrupt(models: Models, trials: int, into: list[tuple[float, float]]) -> None:
    """(key, silence) of each."""
    person = Person(71)
    async with talking(_voice(models, "story"), person):
        for trial in range(trials):
            since = len(person.heard)
            await person.type(f"tell me of the {TOPICS[trial % len(TOPICS)]}")
            person.press("", final=True)
            await person.hears(since)
            await anyio.sleep(person.chance.uniform(0.6, 1.2))
            stops = len(person.stopped)
            # No listener's word begins with a d: it is certain that they take the floor.
            key = person.press("d")
            into.append((key, await person.falls_silent(stops)))
            await anyio.sleep(0.2)
            person.press("o stop, and then ")


async def _find(models: Models, trials: int, into: list[tuple[float, float]]) -> None:
    """(finding handed over, first word of it) of each."""
    person = Person(72)
    texts = [f"Boat {trial}: {FOUND} {trial}." for trial in range(trials)]
    bus = Background(texts, after_s=lambda: person.chance.uniform(2.0, 2.4))
    async with talking(_voice(models, "finder"), person, bus=bus):
        for trial in range(trials):
            since = len(person.heard)
            await person.type(f"{ASKS} {trial} sail?")
            person.press("", final=True)
            await person.hears_out(since)
            since = len(person.heard)
            heard = await person.hears(since)
            into.append((bus.found[trial], heard))
            await person.hears_out(since)
            await anyio.sleep(person.chance.uniform(0.3, 0.7))


async def _ask_bare(models: Models, trials: int, into: list[tuple[float, float]]) -> None:
    """(asked, first words) of the client alone, with the same prompt size as a young conversation's."""
    openai = await anyio.to_thread.run_sync(import_module, "openai")
    prompt = [{"role": "system", "content": "You talk. " * 400}, {"role": "user", "content": _line(0)}]
    async with openai.AsyncOpenAI(base_url=models.base_url, api_key=KEY, max_retries=0) as client:
        await anyio.sleep(1.0)
        for _ in range(trials):
            begun, first = anyio.current_time(), 0.0
            async for chunk in await client.chat.completions.create(model="bare", messages=prompt, stream=True):
                if not first and chunk.choices and chunk.choices[0].delta.content:
                    first = anyio.current_time()
            into.append((begun, first))
            await anyio.sleep(1.0)


# --- what is told ----------------------------------------------------------------------------------------------------


def _first_words(models: Models, answered: list[Answered], bare: list[tuple[float, float]]) -> list[Row]:
    ours = [(one.heard - _first(_last(models, "plain-300", one))) * 1e3 for one in answered]
    client = [(first - _first(models.between("bare", begun, first)[-1])) * 1e3 for begun, first in bare]
    return [
        at_most("model's first token to the first words emitted, p50", percentile(ours, 50), "ms", TURN_MS),
        at_most("  p95", percentile(ours, 95), "ms", TURN_MS),
        shown("  the bare client: to its first chunk, p50", percentile(client, 50), "ms"),
        shown("  p95", percentile(client, 95), "ms"),
        shown("  ours less the bare client's, p50", _beyond(percentile(ours, 50), percentile(client, 50)), "ms"),
        shown("  ours against the bare client's, p50", percentile(ours, 50) / percentile(client, 50), "x"),
    ]


def _busy(models: Models, answered: list[Answered]) -> list[Row]:
    waits = [(one.heard - _first(_last(models, "busy", one))) * 1e3 for one in answered]
    return [
        at_most("the same while a task is open, p50", percentile(waits, 50), "ms", TURN_MS),
        at_most("  p95", percentile(waits, 95), "ms", TURN_MS),
    ]


def _ends(models: Models, cell: Cell, answered: list[Answered]) -> list[Row]:
    waits = [(one.heard - one.end) * 1e3 for one in answered]
    rows: list[Row] = []
    quick = cell.first_ms < HOLD_S * 1e3
    how = f"Enter {cell.enter_ms} ms after the last key" if cell.enter_ms is not None else "no Enter"
    early = "" if cell.preempt else ", not begun early"
    what = f"model of {cell.first_ms} ms, {how}{early}: person's end to first words"
    for percent, name in ((50, f"{what}, p50"), (95, "  p95")):
        value = percentile(waits, percent)
        barred = cell.preempt and quick
        rows.append(at_most(name, value, "ms", TURN_MS) if barred else shown(name, value, "ms"))
    if not quick:
        beyond = [(one.heard - max(one.end, _first(_last(models, cell.name, one)))) * 1e3 for one in answered]
        rows.append(at_most("  of it beyond the model's own first token, p95", percentile(beyond, 95), "ms", TURN_MS))
    return rows


def _stops(models: Models, stops: list[tuple[float, float]]) -> list[Row]:
    silence = [(stopped - key) * 1e3 for key, stopped in stops]
    closed: list[float] = []
    for key, _ in stops:
        ends = [one.closed_at for one in models.over if one.model == "story" and one.at < key]
        closed += [(end - key) * 1e3 for end in ends if end is not None and key < end < key + 1.0]
    rows = [
        at_most("barge-in: first key to silence at the link, p50", percentile(silence, 50), "ms", TURN_MS),
        at_most("  the longest", max(silence), "ms", TURN_MS),
    ]
    if not closed:
        return [*rows, missing("  to the server seeing its request closed", "no request was closed")]
    return [
        *rows,
        at_most("  to the server seeing its request closed, p50", percentile(closed, 50), "ms", TURN_MS),
        at_most("  the longest", max(closed), "ms", TURN_MS),
    ]


def _findings(models: Models, found: list[tuple[float, float]], bare: list[tuple[float, float]]) -> list[Row]:
    beyond, wire = list[float](), list[float]()
    for at, heard in found:
        asked = models.between("finder", at, heard)[-1]
        beyond.append((heard - at - (_first(asked) - asked.at)) * 1e3)
    for begun, first in bare:
        asked = models.between("bare", begun, first)[-1]
        wire.append((first - begun - (_first(asked) - asked.at)) * 1e3)
    client = percentile(wire, 50)
    return [
        shown(
            "finding ready, nobody speaks: to its first words, less the server's own time, p50", median(beyond), "ms"
        ),
        shown("  p95", percentile(beyond, 95), "ms"),
        shown("  the bare client, call to first chunk less the server's own time, p50", client, "ms"),
        at_most(
            "  beyond the model's first token, as the bare client has it, p50",
            _beyond(median(beyond), client),
            "ms",
            20,
        ),
    ]


def _beyond(ours: float, floor: float) -> float:
    """Nothing, where noise makes the floor the slower one."""
    return max(ours - floor, 0.0)


def _last(models: Models, name: str, one: Answered) -> Asked:
    """The request whose answer was heard: the last one that was made before."""
    return models.between(name, one.begun, one.heard)[-1]


def _first(asked: Asked) -> float:
    assert asked.first_at is not None
    return asked.first_at
