"""What the chat voice costs: requests begun for nothing, tokens that no cache holds, processor time, memory."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from functools import partial
from importlib import import_module
from itertools import pairwise
from time import perf_counter, process_time
from typing import Any, Final

import anyio
import msgspec

from benchmarks.conversing import crowd, typed
from benchmarks.measuring import Row, at_least, at_most, in_turns, ratio, shown
from benchmarks.talking import KEY, Background, Models, Person, model_process, talking
from interaction.models.chat import ChatModel
from interaction.models.chat_actions import Ask, Came, Turned
from interaction.models.chat_asking import Asking
from interaction.models.chat_brain import ChatBrain
from interaction.models.chat_settings import ChatSettings
from interaction.models.reflex import ReflexModel
from orchestrator.completions.accumulator import Accumulator
from orchestrator.completions.asking import CallDone, Completion, Done, FunctionCall, Piece, Request, Text
from orchestrator.completions.body import body_of
from orchestrator.completions.endpoint import Endpoint
from orchestrator.completions.profile import Profile
from orchestrator.context import Said, Spoke
from orchestrator.effects import Heard, MicroTurn
from orchestrator.events import UserEvent
from orchestrator.ports import InteractionModel, Opening
from orchestrator.testing import Reply
from orchestrator.testing.model_book import PromptCache
from orchestrator.testing.virtual import run_virtual

__all__ = ["cost"]

MODEL: Final = "m"
FIRST_S: Final = 0.3
TOKEN_S: Final = 0.025
TURNS: Final = 10
"""Turns of history of a session that is weighed."""
ASKS: Final = "when does boat"
"""Begins a line that the model hands over."""
PLACES: Final = ("sea", "wind", "moon", "garden", "river", "city", "harbour", "mountain", "library", "winter")


def cost(*, small: bool = False) -> list[Row]:
    """Measure."""
    return [
        *_tempi(_TEMPI[:2] if small else _TEMPI, 2 if small else 30),
        *_prompt(4 if small else 60),
        *(_processor(3, 1, 1) if small else _processor(20, 3, 3)),
        *_pieces(200 if small else 1_000, 1 if small else 5),
        *_memory(1 if small else 10, 2 if small else TURNS),
    ]


# --- a model without a server ----------------------------------------------------------------------------------------


class Talkative:
    """`Completions` that take their time: 0.3 s to the first token, then one every 25 ms. Knows what was generated."""

    def __init__(self, *, remembers: bool = True) -> None:
        """Without `remembers` it keeps no request, for whoever weighs what the voice itself keeps."""
        self._remembers = remembers
        self.profile: Profile = Profile(name="scripted")
        self.requests: list[Request] = []
        self.generated: list[int] = []
        """Tokens of each request."""

    async def stream(self, request: Request) -> AsyncIterator[Piece]:
        """Answer, or hand over."""
        number = len(self.generated)
        if self._remembers:
            self.requests.append(request)
        self.generated.append(0)
        await anyio.sleep(FIRST_S)
        last = next((str(one["content"]) for one in reversed(request.messages) if one["role"] == "user"), "")
        if ASKS in last and request.messages[-1]["role"] != "tool":
            call = FunctionCall(f"c{number}", "delegate", {"task": f"departures of boat {number}", "say": "I'll look."})
            self.generated[number] += 30
            yield CallDone(call)
            yield Done(Completion(calls=(call,), finish="tool_calls"))
        else:
            place = PLACES[number % len(PLACES)]
            text = f"Number {number} is about the {place}, which is wide and quiet today."
            for word in text.split(" "):
                self.generated[number] += 1
                yield Text(f"{word} ")
                await anyio.sleep(TOKEN_S)
            yield Done(Completion(text, finish="stop"))


# --- what is begun for nothing ---------------------------------------------------------------------------------------


class _Tempo(msgspec.Struct, frozen=True):
    name: str
    key_ms: tuple[int, int]
    enter: bool
    pauses_ms: tuple[int, int] = (0, 0)
    """Behind each sentence or clause, where they have one in mid-line."""


_TEMPI: Final = (
    _Tempo("fast typist, Enter", (50, 90), enter=True),
    _Tempo("fast typist, no Enter", (50, 90), enter=False),
    _Tempo("slow typist, no Enter", (150, 350), enter=False),
    _Tempo("pauses of 0.4 to 1.2 s in mid-line, no Enter", (60, 120), enter=False, pauses_ms=(400, 1_200)),
)
_SHORT: Final = ("What is the {} like?", "Tell me of the {}.", "Is the {} far from here?")
_LONG: Final = (
    "I saw the {} today. It was cold, and very quiet. What do you think of it?",
    "You know the {}? My brother lives there! Is it far, would you say?",
    "The {} is nice, but I like the sea. Do you?",
)


def _tempi(tempi: Sequence[_Tempo], lines: int) -> list[Row]:
    rows: list[Row] = []
    for tempo in tempi:
        for kind, texts in (("one sentence a line", _SHORT), ("two or three", _LONG)):
            model = Talkative()
            heard = run_virtual(partial(_typing, model, tempo, texts, lines))
            vain = [number for number in range(len(model.generated)) if f"Number {number} " not in heard]
            name = f"{tempo.name}, {kind}: requests a line"
            rows.append(shown(name, len(model.requests) / lines, ""))
            rows.append(shown("  of them never heard", len(vain) / lines, ""))
            rows.append(shown("  tokens generated in vain", sum(model.generated[n] for n in vain) / lines, ""))
    return rows


async def _typing(model: Talkative, tempo: _Tempo, texts: Sequence[str], lines: int) -> str:
    """All that the person heard."""
    person = Person(3)
    async with talking(ChatModel(MODEL, endpoint=model), person):
        for number in range(lines):
            since = len(person.heard)
            await _type(person, tempo, texts[number % len(texts)].format(f"{PLACES[number % len(PLACES)]} {number}"))
            await person.hears_out(since)
            await anyio.sleep(person.chance.uniform(0.5, 3.0))
    return "".join(part.text for _, part in person.heard)


async def _type(person: Person, tempo: _Tempo, text: str) -> None:
    for key in text:
        person.press(key)
        await anyio.sleep(person.chance.uniform(*tempo.key_ms) / 1_000)
        if key in ".,!?" and tempo.pauses_ms[1]:
            await anyio.sleep(person.chance.uniform(*tempo.pauses_ms) / 1_000)
    if tempo.enter:
        person.press("", final=True)


# --- the prompt ------------------------------------------------------------------------------------------------------


def _prompt(turns: int) -> list[Row]:
    """A conversation in which every fourth line is handed over, and the finding told."""
    model = Talkative()
    run_virtual(partial(_long_talk, model, turns))
    bodies = [body_of(request, model.profile) for request in model.requests]
    prompts = [msgspec.json.encode(body["messages"])[:-1] for body in bodies]
    tools = {msgspec.json.encode(body.get("tools")) for body in bodies}
    whole = [after.startswith(before) for before, after in pairwise(prompts)]
    share = [len(before) / len(after) for before, after in pairwise(prompts)]
    cache = PromptCache()
    used = [cache.usage(body, Reply("")) for body in bodies]
    begun = perf_counter()
    for _ in range(10):
        for request in model.requests[-5:]:
            msgspec.json.encode(body_of(request, model.profile))
    body_us = (perf_counter() - begun) / 50 * 1e6
    return [
        at_least(
            f"{turns} turns with tasks: requests whose prompt begins with all of the last one's",
            100 * sum(whole) / len(whole),
            "%",
            100,
        ),
        at_most("  different lists of functions", float(len(tools)), "", 1),
        shown("  share of a prompt that the last one had, mean", 100 * sum(share) / len(share), "%"),
        shown(
            "  prompt tokens that the server's cache had, but for the first request",
            100 * sum(one.cached for one in used[1:]) / sum(one.input for one in used[1:]),
            "%",
        ),
        shown("  the last prompt", len(prompts[-1]) / 1_024, "KiB"),
        shown("  of it writing the body", body_us, "us"),
    ]


async def _long_talk(model: Talkative, turns: int) -> None:
    person = Person(5)
    bus = Background([f"Boat {number} sails at {number % 12 + 1}:15." for number in range(turns)])
    async with talking(ChatModel(MODEL, endpoint=model), person, bus=bus):
        for number in range(turns):
            since = len(person.heard)
            asks = number % 4 == 0
            place = PLACES[number % len(PLACES)]
            await person.type(f"{ASKS} {number} sail?" if asks else f"and what is the {place} like?")
            await person.hears_out(since)
            if asks:
                since = len(person.heard)
                await person.hears_out(since)
            await anyio.sleep(1.0)


# --- processor time --------------------------------------------------------------------------------------------------


def _processor(sessions: int, lines: int, rounds: int) -> list[Row]:
    reply = Reply("Yes, it is so, and there is more to say of it: it is calm.", first_ms=200, between_ms=25)
    with model_process([{"model": MODEL, "reply": reply}]) as models:
        chat = ChatModel(MODEL, endpoint=models.endpoint)
        found = in_turns(
            {
                "reflex": lambda: _a_turn(ReflexModel(), sessions, lines),
                "chat": lambda: _a_turn(chat, sessions, lines),
                "bare": lambda: _a_bare_turn(models, sessions, lines),
            },
            rounds,
        )
    return [
        shown("processor time of a turn: rule-based voice", found["reflex"], "ms"),
        shown("  chat voice", found["chat"], "ms"),
        shown("  chat voice against the rule-based one", ratio(found["chat"], found["reflex"]), "x"),
        shown("  of it what the bare client takes to ask and read", found["bare"], "ms"),
    ]


def _events(lines: int) -> list[tuple[int, UserEvent]]:
    return [event for line in range(lines) for event in typed(1_200 + line * 3_000, f"what is number {line} like")]


def _a_turn(model: InteractionModel, sessions: int, lines: int) -> float:
    """Milliseconds of this process for one line that is typed, answered and heard."""

    async def run() -> float:
        async with crowd(sessions, events=_events(lines), within_s=1.0, model=model):
            begun = process_time()
            await anyio.sleep(1.5 + lines * 3.0)
            return process_time() - begun

    return anyio.run(run) / (sessions * lines) * 1e3


def _a_bare_turn(models: Models, sessions: int, lines: int) -> float:
    prompt = [{"role": "system", "content": "You talk. " * 400}, {"role": "user", "content": "and you?"}]

    async def talk(client: Any) -> None:
        for _ in range(lines):
            async for _chunk in await client.chat.completions.create(model=MODEL, messages=prompt, stream=True):
                pass

    async def run() -> float:
        async with _bare(models) as client:
            begun = process_time()
            async with anyio.create_task_group() as group:
                for _ in range(sessions):
                    group.start_soon(talk, client)
            return process_time() - begun

    return anyio.run(run) / (sessions * lines) * 1e3


def _bare(models: Models) -> Any:
    return import_module("openai").AsyncOpenAI(base_url=models.base_url, api_key=KEY, max_retries=0)


# --- a token ---------------------------------------------------------------------------------------------------------


def _pieces(tokens: int, rounds: int) -> list[Row]:
    reply = Reply(" ".join(_token(number) for number in range(tokens)))
    with model_process([{"model": MODEL, "reply": reply}]) as models:
        found = in_turns(
            {
                "bare": lambda: _read_barely(models, tokens),
                "endpoint": lambda: _read(models, tokens),
                "accumulator": lambda: _accumulated(tokens),
                "brain": lambda: _thought(tokens),
            },
            rounds,
        )
    ours = [one + other for one, other in zip(found["endpoint"], found["brain"], strict=True)]
    prompt = _asked(20 if rounds == 1 else 60)
    return [
        shown("processor time of a token: the bare client", found["bare"], "us"),
        shown("  our endpoint in its place", found["endpoint"], "us"),
        shown("    of it the accumulator", found["accumulator"], "us"),
        shown("  brain and guard", found["brain"], "us"),
        shown("  endpoint, brain and guard against the bare client", ratio(ours, found["bare"]), "x"),
        shown("processor time of making a request, prompt included", prompt, "us"),
    ]


def _token(number: int) -> str:
    """One of a long answer in sentences of twelve words, no two alike."""
    return f"word{number}{'' if (number + 1) % 12 else '.'}"


def _read_barely(models: Models, tokens: int) -> float:
    async def run() -> float:
        async with _bare(models) as client:
            begun = process_time()
            prompt = [{"role": "user", "content": "go on"}]
            async for _chunk in await client.chat.completions.create(model=MODEL, messages=prompt, stream=True):
                pass
            return process_time() - begun

    return anyio.run(run) / tokens * 1e6


def _read(models: Models, tokens: int) -> float:
    async def run() -> float:
        async with Endpoint(models.endpoint) as endpoint:
            begun = process_time()
            async for _piece in endpoint.stream(Request(MODEL, ({"role": "user", "content": "go on"},))):
                pass
            return process_time() - begun

    return anyio.run(run) / tokens * 1e6


def _accumulated(tokens: int) -> float:
    accumulator = Accumulator([])
    chunks = [{"choices": [{"index": 0, "delta": {"content": _token(number)}}]} for number in range(tokens)]
    begun = process_time()
    for chunk in chunks:
        accumulator.feed(chunk)
    return (process_time() - begun) / tokens * 1e6


def _brain() -> ChatBrain:
    settings = ChatSettings()
    asking = Asking(Opening("s"), model=MODEL, profile=Profile(name="scripted"), nonce="0" * 16, settings=settings)
    return ChatBrain(asking, settings=settings)


def _line(number: int) -> MicroTurn:
    text = f"what is number {number} like?"
    entries = (
        Spoke(text=f"Number {number - 1} is wide and quiet.", revision=2 * number),
        Said(text=text, revision=2 * number + 1),
    )
    heard = (Heard(text), Heard(final=True))
    return MicroTurn(10 * number, 2_000 * number, 2 * number + 1, heard=heard, entries=entries)


def _thought(tokens: int) -> float:
    brain = _brain()
    brain.take(Turned(_line(1)), 0)
    pieces = [Came(1, Text(f" {_token(number)}")) for number in range(tokens)]
    begun = process_time()
    for piece in pieces:
        brain.take(piece, 100)
    return (process_time() - begun) / tokens * 1e6


def _asked(lines: int) -> list[float]:
    """Microseconds of taking a finished line in and making its request, for each of the last ten lines."""
    brain, took = _brain(), list[float]()
    for number in range(1, lines + 1):
        turn = _line(number)
        begun = perf_counter()
        actions = brain.take(Turned(turn), 2_000 * number)
        took.append((perf_counter() - begun) * 1e6)
        (asked,) = (action.number for action in actions if isinstance(action, Ask))
        text = f"Number {number} is wide and quiet."
        brain.take(Came(asked, Text(text)), 2_000 * number)
        brain.take(Came(asked, Done(Completion(text, finish="stop"))), 2_000 * number)
    return took[-10:]


# --- memory ----------------------------------------------------------------------------------------------------------


def _memory(sessions: int, turns: int) -> list[Row]:
    weighed: dict[str, InteractionModel] = {
        "rule-based": ReflexModel(),
        "chat": ChatModel(MODEL, endpoint=Talkative(remembers=False)),
    }
    kib: dict[str, float] = {}
    for name, model in weighed.items():
        # What is made once for all is no part of a session, so one is held before anything is counted.
        run_virtual(partial(_session_bytes, model, 1, turns))
        kib[name] = run_virtual(partial(_session_bytes, model, sessions, turns)) / 1_024
    return [
        at_most(f"memory a session, idle, {turns} turns, with driver and chat voice", kib["chat"], "KiB", 32),
        shown("  with the rule-based voice", kib["rule-based"], "KiB"),
    ]


async def _session_bytes(model: InteractionModel, sessions: int, turns: int) -> float:
    events = [event for turn in range(turns) for event in typed(turn * 8_000, f"hello for the {turn}th time")]
    gc.collect()
    tracemalloc.start()
    async with crowd(sessions, events=events, model=model):
        await anyio.sleep(turns * 8 + 10)
        gc.collect()
        grown, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return grown / sessions
