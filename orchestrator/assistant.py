"""The composition root as a class: an assistant, put together from a voice, reasoners, tools, a timing policy and a
bus.

Everything has a default that works with no key and no server: the rule-based voice, the rule-based reasoner, and a
hand-off within the process.
"""

from __future__ import annotations

import secrets
import sys
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, cast

import anyio
import msgspec

from orchestrator.bus import Bus, connect
from orchestrator.clock import START, Instant, after
from orchestrator.config import SessionConfig
from orchestrator.equipment import EVERY, Equipment, Pool, ToolLike, sorted_out
from orchestrator.errors import ConfigError
from orchestrator.journal import Opened
from orchestrator.ports import (
    FrontBus,
    InteractionModel,
    Journal,
    Link,
    OpenedJournal,
    Opening,
    OpenTools,
    OwnedSession,
    Reasoner,
    SessionStore,
    Tool,
    ToolInfo,
)
from orchestrator.recording import described
from orchestrator.resuming import Recap, recap
from orchestrator.session import Session
from orchestrator.talk import Line, Talk
from orchestrator.timing import TimingPolicy, default_policy
from orchestrator.version import __version__

if TYPE_CHECKING:
    from background.reasoning import Agent

__all__ = ["Assistant", "Specialist"]

_KEPT_ALONE: Final = 100
"""Sessions that were left, whose hand-offs within the process are kept for them."""


class Specialist(msgspec.Struct, frozen=True):
    """One pool of background workers: what thinks there, and with which tools."""

    tools: Sequence[ToolLike] = ()
    reasoner: str | Reasoner | Agent = "rules"
    about: str = ""
    """What it is for, in a line: a voice that chooses between pools goes by it."""
    allow: Sequence[str] = EVERY
    """Which tools it may use at all, as patterns of names (`search_*`), those of the assistant included."""


class Assistant:
    """An assistant.

    Args:
        tools: What its background can do: `@tool` functions, plain typed functions, toolboxes, sources such as an MCP
            server, or anything with the `Tool` port.
        interaction: The live voice: `"reflex"` (embedded, rule-based, no key), `"chat:NAME"` or `"chat:NAME@URL"` (a
            language model behind OpenAI's chat completions), or an `InteractionModel`.
        background: What thinks: `"rules"` (embedded), `"chat:NAME"` as above, a `Reasoner`, any async callable of
            `(bundle, desk)`, or several by pool name, each with tools of its own (`Specialist`). `tools` go to every
            pool.
        timing: When findings are spoken; the default is `orchestrator.timing.default_policy()`.
        bus: Where tasks go: the URL of a Redis, a bus, or `None` for workers in this process.
        config: Pace, grid and patience of a session; its `id` is used where a session is opened without one.
        instructions: What it is to be like, and its rules, for a voice that has a language model; the rule-based one
            has no use for it.

    Raises:
        ConfigError: something of this cannot work; nothing has started.
    """

    def __init__(
        self,
        *,
        tools: Sequence[ToolLike] = (),
        interaction: str | InteractionModel = "reflex",
        background: str | Reasoner | Agent | Mapping[str, Specialist | Reasoner | Agent | str] = "rules",
        timing: TimingPolicy | None = None,
        bus: str | Bus | None = None,
        config: SessionConfig | None = None,
        instructions: str = "",
    ) -> None:
        self._model = _voice(interaction)
        self._instructions = instructions
        self._pools = _pools(background, tools)
        self._equipment = Equipment(self._pools)
        self._timing = default_policy() if timing is None else timing
        self._local = bus is None
        self._bus: Bus = connect(bus) if bus is None or isinstance(bus, str) else bus
        self._config = config or SessionConfig()
        self._alone: OrderedDict[str, Bus] = OrderedDict()
        """Hand-offs within the process of sessions that were left, with the tasks that were still open."""
        self._side: _Side | None = None
        self._store: SessionStore | None = None
        self._open = AsyncExitStack()

    @property
    def tools(self) -> tuple[Tool, ...]:
        """Everything its background can do; what comes from a source is there while a session or a worker is."""
        return self._equipment.tools

    @property
    def about(self) -> str:
        """One line for the person: what voice this is."""
        return self._model.traits.about

    def run(self) -> None:
        """Talk with it in the terminal until the person leaves. The program ends if that was not a good end."""
        from orchestrator.cli import guarded
        from orchestrator.cli.chat import run_in_terminal
        from orchestrator.discovery import LOOKING

        if LOOKING.get():
            raise ConfigError(
                "a conversation would begin while the file is only looked through for tools",
                "its assistant runs as soon as the file is imported",
                "put what is to run only when it is started itself under: if __name__ == '__main__':",
            )
        code = guarded(lambda: run_in_terminal(self))
        if code:
            sys.exit(code)

    async def __aenter__(self) -> Self:
        """Keep the hand-off (and, without a Redis, the workers) running between sessions."""
        self._side = await self._open.enter_async_context(self._handing_off(self._bus))
        self._store = await self._open.enter_async_context(self._bus.store())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        self._side = self._store = None
        return await self._open.__aexit__(kind, error, trace)

    @asynccontextmanager
    async def session(self, id: str | None = None, *, take_over: bool = False) -> AsyncGenerator[Talk]:
        """A conversation inside a program of one's own. A known `id` goes on where it was left, over Redis also when
        that was in another process, or was killed there.

        Leaving the context ends it as the person's leaving does. Enter and leave it in one task. `take_over` takes an
        `id` from whoever has it open.

        Raises:
            UsageError: the id is open already.
            SessionLost: another process has taken it over.
            BusUnavailable: Redis is not there, so that it cannot be known what was said before.
        """
        line = Line()
        talk = Talk(id or self._new_id(), line)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._hold, id, talk.id, line, take_over)
                try:
                    yield talk
                finally:
                    with anyio.CancelScope(shield=True):
                        await talk.leave()
        except BaseExceptionGroup as group:
            # A program wants to catch what went wrong, not the task group it passed.
            raise _innermost(group) from None

    async def _hold(self, id: str | None, name: str, line: Line, take_over: bool) -> None:
        try:
            await self._converse(id, name, line, line, take_over, line.begin)
        finally:
            line.hang_up()

    async def converse(
        self,
        link: Link,
        *,
        id: str | None = None,
        journal: Journal | None = None,
        take_over: bool = False,
        begun: Callable[[Recap | None], None] | None = None,
    ) -> None:
        """Hold one conversation over `link`, until the person leaves.

        When the link's events end without a `UserLeft`, what is still worked on or owed is finished and heard first.
        `begun` is called before anything is said: with how the conversation stood, where it is an old one. See
        `session` for the rest.
        """
        await self._converse(id, id or self._new_id(), link, journal, take_over, begun)

    async def _converse(
        self,
        id: str | None,
        name: str,
        link: Link,
        journal: Journal | None,
        take_over: bool,
        begun: Callable[[Recap | None], None] | None,
    ) -> None:
        from interaction.clock import SystemClock
        from interaction.loop import drive

        async with AsyncExitStack() as stack:
            store = self._store
            if store is None:
                store = await stack.enter_async_context(self._bus.store())
            # Without a name nobody can come back to it: then it costs a Redis nothing.
            named = id is not None or self._local or name == self._config.id
            owned = await stack.enter_async_context(store.own(name, take_over=take_over)) if named else None
            side = self._side
            if side is None:
                side = await stack.enter_async_context(self._handing_off(self._bus_of(name)))
            session, since = self._take_up(name, owned, side.equipment.routes)
            if begun is not None:
                kept = None if owned is None else owned.kept
                begun(None if owned is None or kept is None else recap(kept, away_ms=owned.away_ms))
            if isinstance(journal, OpenedJournal):
                settings = msgspec.structs.asdict(session.config)
                before = None if owned is None else owned.kept
                opened = Opened(settings, __version__, described(self._timing), before)
                journal.opened(since, session.n, opened)
            await drive(
                session,
                model=self._model,
                opening=self._opening(name, side.equipment.infos),
                link=link,
                bus=side.front,
                clock=SystemClock(since),
                journal=journal,
                owned=owned,
                tools=side.equipment.changes(),
            )

    def _bus_of(self, name: str) -> Bus:
        if not self._local:
            return self._bus
        # One session's end must not stop the workers of another, so each has a hand-off of its own.
        bus = self._alone[name] = self._alone.pop(name) if name in self._alone else connect(None)
        while len(self._alone) > _KEPT_ALONE:
            self._alone.popitem(last=False)
        return bus

    async def work(self, *, slots: int = 8, name: str | None = None, drain: anyio.Event | None = None) -> None:
        """Be a worker for this assistant's pools, until cancelled, or until `drain` is set and what runs is
        finished."""
        called = name or f"worker-{secrets.token_hex(3)}"
        async with self._equipment.opened() as equipment, anyio.create_task_group() as group:
            for pool in self._pools:
                sources = equipment.sources(pool)
                group.start_soon(self._work_for, self._bus, pool, slots, called, drain, sources)

    async def _work_for(
        self, bus: Bus, pool: str, slots: int, name: str, drain: anyio.Event | None, sources: Sequence[OpenTools]
    ) -> None:
        from background.worker import Worker

        specialist = self._pools[pool]
        async with bus.worker(name=name, pools=(pool,)) as side, anyio.create_task_group() as group:
            worker = Worker(
                side, specialist.reasoner, specialist.tools, slots=slots, sources=sources, allow=specialist.allow
            )
            if drain is not None:
                group.start_soon(_drain, worker.drain, drain)
            await worker.run()
            group.cancel_scope.cancel()

    @asynccontextmanager
    async def _handing_off(self, bus: Bus) -> AsyncGenerator[_Side]:
        async with AsyncExitStack() as stack:
            if self._local:
                equipment = await stack.enter_async_context(self._equipment.opened())
            else:
                equipment = await self._equipment.looked()
            front = await stack.enter_async_context(bus.front())
            workers = await stack.enter_async_context(anyio.create_task_group())
            if self._local:
                for pool in self._pools:
                    workers.start_soon(self._work_for, bus, pool, 8, "worker", None, equipment.sources(pool))
            try:
                yield _Side(front, equipment)
            finally:
                workers.cancel_scope.cancel()

    def _opening(self, session: str, infos: tuple[ToolInfo, ...]) -> Opening:
        abouts = {name: pool.about for name, pool in self._pools.items() if pool.about}
        pools = tuple(pool for pool in self._pools if pool)
        return Opening(session, infos, pools, instructions=self._instructions, abouts=abouts)

    def _take_up(self, name: str, owned: OwnedSession | None, routes: dict[str, str]) -> tuple[Session, Instant]:
        default = "" if "" in self._pools else max(self._pools, key=lambda pool: len(self._pools[pool].tools))
        # On a shared bus a session of this name may have been before; its answers are not for this one.
        run = "" if self._local else secrets.token_hex(3)
        wants_silence = self._model.traits.wants_silence
        config = msgspec.structs.replace(
            self._config, id=name, run=run, routes=routes, pool=default, wants_silence=wants_silence
        )
        if owned is None or owned.kept is None:
            return Session(config, timing=self._timing), START
        now = after(owned.kept.at, owned.away_ms)
        return Session.restore(owned.kept, timing=self._timing, now=now, config=config), now

    def _new_id(self) -> str:
        configured = self._config.id
        return configured if configured != SessionConfig().id else f"s{secrets.token_hex(4)}"


class _Side(NamedTuple):
    """The front end's side of the hand-off, and what the background on the other side can do."""

    front: FrontBus
    equipment: Equipment


def _voice(named: str | InteractionModel) -> InteractionModel:
    if not isinstance(named, str):
        return named
    kind, _, model = named.partition(":")
    if kind == "chat" and model:
        from interaction.models.chat import ChatModel

        return ChatModel(model)
    if named != "reflex":
        raise ConfigError(
            f"there is no voice called {named!r}",
            'there are "reflex", the rule-based one, and "chat:NAME" for a language model',
            "use one of these, or pass an InteractionModel",
        )
    from interaction.models.reflex import ReflexModel

    return ReflexModel()


def _pools(background: Any, tools: Sequence[ToolLike]) -> dict[str, Pool]:
    given = cast("Mapping[str, Any]", background) if isinstance(background, Mapping) else {"": background}
    if not given:
        raise ConfigError("an assistant without a background cannot work", "the mapping is empty", 'use "rules"')
    shared, from_all = sorted_out(tools)
    pools: dict[str, Pool] = {}
    for name, entry in given.items():
        specialist = entry if isinstance(entry, Specialist) else Specialist(reasoner=entry)
        own, sources = sorted_out(specialist.tools)
        pools[name] = Pool(
            (*shared, *own),
            (*from_all, *sources),
            _reasoner(specialist.reasoner),
            specialist.about,
            tuple(specialist.allow),
        )
    return pools


def _reasoner(named: str | Reasoner | Agent) -> Reasoner:
    from background.reasoning import as_reasoner

    if not isinstance(named, str):
        return as_reasoner(named)
    kind, _, model = named.partition(":")
    if kind == "chat" and model:
        from background.models.chat import ChatReasoner

        return ChatReasoner(model)
    if named != "rules":
        raise ConfigError(
            f"there is no reasoner called {named!r}",
            'there are "rules", the rule-based one, and "chat:NAME" for a language model',
            "use one of these, or pass a Reasoner or an async function of (bundle, desk)",
        )
    from background.models.rules import RulesReasoner

    return RulesReasoner()


def _innermost(error: BaseException) -> BaseException:
    if not isinstance(error, BaseExceptionGroup):
        return error
    group = cast("BaseExceptionGroup[BaseException]", error)
    return _innermost(group.exceptions[0]) if len(group.exceptions) == 1 else group


async def _drain(drain: Callable[[], None], wanted: anyio.Event) -> None:
    await wanted.wait()
    drain()
