"""What somebody who looks after the hand-off does with one task: look at all of it, call it off, have it tried again.

Each of it is one step in Redis, told to the front end as everything else is: so the person hears of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from orchestrator.bundle import Amendment, Cancellation
from orchestrator.bus.redis_client import RedisClient, RedisSettings
from orchestrator.bus.redis_keys import GROUP, Keys
from orchestrator.bus.redis_overview import DeadLetter, TaskFacts, TaskState, as_number, as_text, state_of, task_facts
from orchestrator.bus.redis_overview_scripts import LETTER, RETRY_LETTER, RETRY_RUNNING, STORY
from orchestrator.bus.redis_scripts import ORDER
from orchestrator.codec import bundle_wire, orders_wire, updates_wire
from orchestrator.context import Entry, Said, Spoke
from orchestrator.events import DelegationUpdate
from orchestrator.finding import Finding

__all__ = ["Called", "FindingFacts", "Operator", "OrderFacts", "Retried", "StepFacts", "TaskStory"]

FINDINGS_SHOWN: Final = 20
SAID_SHOWN: Final = 10
PIECES_READ: Final = 3
"""Of a conversation that is kept apart: the last ones."""
TRIED_AGAIN: Final = "an operator has it tried again"


class OrderFacts(msgspec.Struct, frozen=True):
    """What the task was told after it had left."""

    kind: Literal["correction", "answer", "conversation", "cancellation"]
    text: str
    """For `conversation`: how many entries went after the task."""


class FindingFacts(msgspec.Struct, frozen=True):
    """What came back."""

    attempt: int
    kind: str
    text: str


class StepFacts(msgspec.Struct, frozen=True):
    """One call of a tool that must not be made twice."""

    step: str
    """The tool and its arguments."""
    attempt: int
    ended: bool
    """Else it was begun, and nobody knows how it ended unless it still runs."""


class TaskStory(msgspec.Struct, frozen=True):
    """All that is known of one task."""

    facts: TaskFacts
    orders: tuple[OrderFacts, ...] = ()
    findings: tuple[FindingFacts, ...] = ()
    """The last of them, in order."""
    earlier: int = 0
    """How many entries of its log, of one finding or of many, came before these."""
    steps: tuple[StepFacts, ...] = ()
    """What it has done that is not done a second time, whoever tries it again."""
    said: tuple[str, ...] = ()
    """The end of the conversation that it carries, a line an utterance."""
    entries: int = 0
    """How long that conversation is."""
    letter: DeadLetter | None = None


class Called(msgspec.Struct, frozen=True):
    """What came of calling a task off. `how` is `ended`, `sent` (to its worker), `over` or `unknown`."""

    how: Literal["ended", "sent", "over", "unknown"]


class Retried(msgspec.Struct, frozen=True):
    """What came of having a task tried again."""

    how: Literal["queued", "waiting", "done", "cancelled", "context", "changed", "unknown"]
    """`queued`: it goes again. Else it does not: it `waiting` for a worker already, is `done` or `cancelled`, its
    `context` (the conversation) is gone, it `changed` in the meantime, or nothing is known of it."""
    was: Literal["", "dead", "running"] = ""
    heard: bool = True
    """Whether the front end that the answer goes to was there lately."""


class _Letter(msgspec.Struct, frozen=True):
    number: bytes
    fields: Mapping[str, bytes | None]


class Operator:
    """Acts on the hand-off of `client`. Everything raises `Away`."""

    def __init__(self, client: RedisClient, settings: RedisSettings) -> None:
        self._client = client
        self._settings = settings
        self._keys = Keys(settings.prefix)
        self._bundles = bundle_wire()
        self._orders = orders_wire()
        self._updates = updates_wire()

    async def show(self, task: str) -> TaskStory | None:
        """All that is known of `task`; `None` when nothing is."""
        keys = self._keys
        now, flat, entry, orders, count, log, steps = await self._client.script(
            STORY,
            [keys.job(task), keys.orders(task), keys.log(task), keys.steps(task)],
            [keys.prefix, FINDINGS_SHOWN],
        )
        facts = _mapping(flat)
        body: Mapping[str, bytes | None] = _mapping(entry)
        letter = None
        if facts.get("state") not in (b"queued", b"running"):
            letter = await self._letter(task)
        if not facts and letter is None:
            return None
        if letter is not None:
            body = letter.fields
        said, entries = await self._said(body)
        known = task_facts(now, as_text(facts.get("pool")), task, facts, now)
        if letter is not None:
            known = _as_dead(known, letter)
        return TaskStory(
            known,
            orders=tuple(self._order(order) for order in orders),
            findings=tuple(found for said in log[1::2] for found in self._findings(said)),
            earlier=max(0, count - len(log) // 2),
            steps=tuple(_step(as_text(name), as_text(value)) for name, value in _mapping(steps).items()),
            said=said,
            entries=entries,
            letter=_facts_of(now, task, letter) if letter is not None else None,
        )

    async def state(self, task: str) -> TaskState:
        """How it stands just now."""
        return state_of(await self._client.call("HGET", self._keys.job(task), "state"))

    async def cancel(self, task: str, reason: str) -> Called:
        """Call it off, by the same step as when the person does."""
        keys = self._keys
        reply = await self._client.script(
            ORDER,
            [keys.job(task), keys.orders(task), keys.bells],
            [
                *(keys.prefix, GROUP, task, self._orders.encode(Cancellation(task, reason))),
                self._updates.encode(DelegationUpdate(task, "cancelled", reason)),
            ],
        )
        known: dict[bytes, Literal["ended", "sent", "over"]] = {b"ended": "ended", b"sent": "sent", b"over": "over"}
        return Called(known.get(reply[0], "unknown"))

    async def retry(self, task: str) -> Retried:
        """Have it tried again: one that was given up, or one that runs."""
        state, token = await self._client.call("HMGET", self._keys.job(task), "state", "token")
        if state == b"queued":
            return Retried("waiting")
        if state == b"running":
            return await self._retry_running(task, token)
        letter = await self._letter(task)
        if letter is not None:
            return await self._retry_letter(task, letter)
        return Retried("done" if state == b"done" else "cancelled" if state == b"cancelled" else "unknown")

    async def _retry_running(self, task: str, token: bytes) -> Retried:
        keys = self._keys
        queued = self._updates.encode(DelegationUpdate(task, "queued", TRIED_AGAIN))
        reply = await self._client.script(RETRY_RUNNING, [keys.job(task)], [keys.prefix, GROUP, token, queued])
        if reply[0] == b"queued":
            return Retried("queued", "running")
        return Retried("cancelled" if reply[0] == b"cancelled" else "changed", "running")

    async def _retry_letter(self, task: str, letter: _Letter) -> Retried:
        keys, fields = self._keys, letter.fields
        bundle = self._bundles.decode(fields.get("b") or b"")
        # What cannot be read here may be read by a newer worker; how long it may take is in the letter too.
        keep = self._settings.keep_ms
        deadline_ms = bundle.deadline_ms if bundle is not None else max(1, as_number(fields.get("ttl")) - keep)
        queued = self._updates.encode(DelegationUpdate(task, "queued", TRIED_AGAIN, again=True))
        reply = await self._client.script(
            RETRY_LETTER,
            [keys.dead, keys.job(task), keys.log(task), keys.orders(task), keys.steps(task)],
            [keys.prefix, letter.number, task, deadline_ms, keep, queued, bundle.keep_ms if bundle is not None else 0],
        )
        if reply[0] == b"queued":
            return Retried("queued", "dead", heard=bool(reply[1]))
        return Retried("context" if reply[0] == b"context" else "changed", "dead")

    async def _letter(self, task: str) -> _Letter | None:
        end: bytes | str = "+"
        while True:
            how, *found = await self._client.script(LETTER, [self._keys.dead], [self._keys.prefix, task, end])
            if how == b"found":
                return _Letter(found[0], _mapping(found[1]))
            if how == b"none":
                return None
            end = b"(" + found[0]

    async def _said(self, body: Mapping[str, bytes | None]) -> tuple[tuple[str, ...], int]:
        bundle = self._bundles.decode(body.get("b") or b"")
        if bundle is None:
            return (), 0
        entries: list[Entry] = list(bundle.context)
        if "c" in body:
            needed = as_number(body.get("n"))
            first = max(0, needed - PIECES_READ)
            for piece in await self._client.call("LRANGE", as_text(body["c"]), first, max(0, needed - 1)):
                try:
                    entries += msgspec.msgpack.decode(piece, type=list[Entry])
                except msgspec.DecodeError:
                    entries.clear()
        lines = [
            f"person: {entry.text}" if isinstance(entry, Said) else f"assistant: {entry.text}"
            for entry in entries
            if isinstance(entry, Said | Spoke) and entry.text.strip()
        ]
        return tuple(lines[-SAID_SHOWN:]), bundle.revision

    def _order(self, data: bytes) -> OrderFacts:
        match self._orders.decode(data):
            case Cancellation(reason=reason):
                return OrderFacts("cancellation", reason)
            case Amendment(text=text, answers=answers) if text:
                return OrderFacts("answer" if answers else "correction", text)
            case Amendment(entries=entries):
                return OrderFacts("conversation", str(len(entries)))
            case None:
                return OrderFacts("correction", "(of another version, not understood)")

    def _findings(self, said: bytes) -> list[FindingFacts]:
        updates = self._updates.decode(said)
        return [FindingFacts(each.attempt, each.kind, each.text) for each in updates if isinstance(each, Finding)]


def _as_dead(known: TaskFacts, letter: _Letter) -> TaskFacts:
    """Its hash expires long before its letter does."""
    pool, urgency, words, session = (
        as_text(letter.fields.get(name)) for name in ("pool", "urgency", "task", "session")
    )
    attempt = max(known.attempt, as_number(letter.fields.get("attempt")))
    return msgspec.structs.replace(
        known,
        state="dead",
        pool=pool,
        urgency=urgency or "normal",
        task=words,
        session=session,
        front=known.front or as_text(letter.fields.get("front")),
        attempt=attempt,
    )


def _facts_of(now: int, task: str, letter: _Letter) -> DeadLetter:
    why, pool, urgency, words, session = (
        as_text(letter.fields.get(name)) for name in ("why", "pool", "urgency", "task", "session")
    )
    age = max(0, now - as_number(letter.number.partition(b"-")[0]))
    attempt = as_number(letter.fields.get("attempt"))
    return DeadLetter(task, why, pool, urgency or "normal", words, session, attempt, age)


def _step(name: str, value: str) -> StepFacts:
    attempt, _, rest = value.partition(" ")
    return StepFacts(name, as_number(attempt), rest.startswith("="))


def _mapping(flat: list[Any]) -> dict[str, bytes | None]:
    return {as_text(name): value for name, value in zip(flat[::2], flat[1::2], strict=True)}
