"""What every place where sessions are kept must do, as checks that run on any implementation.

Run each of `STORE_CHECKS` by itself, or `await check_store(harness)` for all of them. A failed check raises
`AssertionError` and names what was expected.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeAlias, TypeVar

import anyio
import msgspec

from orchestrator.bus import Bus
from orchestrator.clock import from_ms
from orchestrator.config import SessionConfig
from orchestrator.errors import SessionLost, UsageError
from orchestrator.events import ModelDelegated, UserText
from orchestrator.ports import OwnedSession
from orchestrator.session import Session
from orchestrator.state import Snapshot
from orchestrator.timing import default_policy

__all__ = ["STORE_CHECKS", "StoreCheck", "StoreHarness", "check_store"]

PATIENCE_S: Final = 20.0

T = TypeVar("T")


class StoreHarness(Protocol):
    """How the checks get a store."""

    def bus(self) -> Bus:
        """A hand-off whose store is empty. What is left of it stays when it is entered again."""
        ...


StoreCheck: TypeAlias = Callable[[StoreHarness], Awaitable[None]]


def _expect(is_: object, wanted: object, what: str) -> None:
    if is_ != wanted:
        raise AssertionError(f"{what}: expected {wanted!r}, got {is_!r}")


async def _soon(awaitable: Awaitable[T], what: str) -> T:
    with anyio.move_on_after(PATIENCE_S):
        return await awaitable
    raise AssertionError(f"{what}: did not happen within {PATIENCE_S:g} s")


async def _refused(awaitable: Awaitable[object], what: str) -> None:
    try:
        await _soon(awaitable, what)
    except SessionLost:
        return
    raise AssertionError(f"{what}: expected SessionLost")


def _session(*lines: str) -> Session:
    session = Session(SessionConfig(id="s"), timing=default_policy())
    for number, line in enumerate(lines):
        session.receive(UserText(line, final=True), now=from_ms(1_000 * (number + 1)))
    return session


async def _save(owned: OwnedSession, session: Session, *, at_ms: int = 60_000) -> Snapshot:
    """Save it as a shell does: what is new of the conversation, and all of it where the store wants that."""
    while True:
        snapshot = session.snapshot(now=from_ms(at_ms), since=owned.revision)
        if await _soon(owned.save(snapshot), "a save"):
            return snapshot


def _lines(snapshot: Snapshot | None) -> list[str]:
    """What the person said in what was kept."""
    if snapshot is None:
        return []
    restored = Session.restore(snapshot, timing=default_policy(), now=snapshot.at)
    return [text for entry in restored.entries() if (text := getattr(entry, "text", ""))]


async def check_a_new_session_has_nothing(harness: StoreHarness) -> None:
    """What nobody has saved is not there."""
    async with harness.bus().store() as store:
        async with store.own("s") as owned:
            _expect((owned.kept, owned.revision), (None, 0), "a new session")
        async with store.own("s") as owned:
            _expect(owned.kept, None, "a session that was opened and never saved")


async def check_what_was_saved_is_there_again(harness: StoreHarness) -> None:
    """Also for another process; and every part of the snapshot is as it was."""
    bus = harness.bus()
    session = _session("one", "two")
    errands = session.receive(ModelDelegated("x"), now=from_ms(3_000))[:1]
    async with bus.store() as store, store.own("s") as owned:
        whole = session.snapshot(now=from_ms(4_000), errands=errands)  # type: ignore[arg-type]
        _expect(await _soon(owned.save(whole), "a save"), True, "a save of all")
        _expect(owned.revision, whole.revision, "the revision that is there")
    async with bus.store() as store, store.own("s") as owned:
        _expect(owned.kept, whole, "what was kept")
        _expect(owned.revision, whole.revision, "the revision that is there")
        _expect(0 <= owned.away_ms < 60_000, True, "the time since")


async def check_the_conversation_comes_in_parts(harness: StoreHarness) -> None:
    """Only what is new of it is sent, also by the next owner; the newest state counts."""
    bus = harness.bus()
    session = _session("one")
    async with bus.store() as store, store.own("s") as owned:
        await _save(owned, session)
        session.receive(UserText("two", final=True), now=from_ms(2_000))
        part = await _save(owned, session)
        _expect(part.since > 0, True, "the second save brings only what is new")
        await _save(owned, session)
    async with bus.store() as store, store.own("s") as owned:
        _expect(_lines(owned.kept), ["one", "two"], "the conversation")
        session.receive(UserText("three", final=True), now=from_ms(3_000))
        await _save(owned, session, at_ms=70_000)
    async with bus.store() as store, store.own("s") as owned:
        _expect(_lines(owned.kept), ["one", "two", "three"], "the conversation, from two owners")
        _expect(owned.kept is not None and owned.kept.at, from_ms(70_000), "the instant of the newest")


async def check_a_part_that_does_not_fit_is_refused(harness: StoreHarness) -> None:
    """A gap in the conversation is never kept: the store says from where it must be sent."""
    async with harness.bus().store() as store, store.own("s") as owned:
        session = _session("one", "two")
        whole = session.snapshot(now=from_ms(4_000))
        await _soon(owned.save(whole), "a save")
        session.receive(UserText("three", final=True), now=from_ms(3_000))
        odd = session.snapshot(now=from_ms(5_000), since=1)
        _expect(await _soon(owned.save(odd), "a save"), False, "a part that does not fit")
        _expect(owned.revision, whole.revision, "from where it is wanted")
        await _save(owned, session)
    async with harness.bus().store():
        pass


async def check_all_may_be_sent_again(harness: StoreHarness) -> None:
    """A snapshot from the beginning takes the place of everything."""
    bus = harness.bus()
    async with bus.store() as store, store.own("s") as owned:
        await _save(owned, _session("one", "two", "three"))
        await _soon(owned.save(_session("four").snapshot(now=from_ms(9_000))), "a save of all")
    async with bus.store() as store, store.own("s") as owned:
        _expect(_lines(owned.kept), ["four"], "the conversation")


async def check_there_is_one_owner(harness: StoreHarness) -> None:
    """A second one is refused while the first one lives, in plain words; then not any more."""
    bus = harness.bus()
    async with bus.store() as store, bus.store() as other:
        async with store.own("s") as owned:
            await _save(owned, _session("one"))
            try:
                async with other.own("s"):
                    raise AssertionError("a second owner was let in")
            except UsageError as refused:
                _expect(len(str(refused).splitlines()), 3, "lines of the refusal")
                _expect("--take-over" in str(refused), True, "the way out is named")
            session = _session("one", "two")
            await _save(owned, session)
        async with other.own("s") as owned:
            _expect(_lines(owned.kept), ["one", "two"], "the conversation")
        async with store.own("t") as first, store.own("u") as second:
            await _save(first, _session("one"))
            await _save(second, _session("two"))


async def check_it_can_be_taken_over(harness: StoreHarness) -> None:
    """The old owner can save no more, learns of it while it is idle, and does no harm by leaving."""
    bus = harness.bus()
    async with bus.store() as store, bus.store() as other, other.own("s") as old:
        await _save(old, _session("one"))
        async with store.own("s", take_over=True) as new:
            _expect(_lines(new.kept), ["one"], "the conversation")
            await _refused(old.watch(), "watching what another one has")
            await _refused(_save(old, _session("one", "evil")), "saving what another one has")
            await _save(new, _session("one", "two"))
            async with other.own("u"):
                pass
            await _save(new, _session("one", "two", "three"))
    async with bus.store() as store, store.own("s") as owned:
        _expect(_lines(owned.kept), ["one", "two", "three"], "the conversation")


async def check_leaving_after_a_takeover_does_not_free_it(harness: StoreHarness) -> None:
    """Whoever was evicted gives nothing free by going."""
    bus = harness.bus()
    async with bus.store() as store, bus.store() as other:
        old = other.own("s")
        await old.__aenter__()
        async with store.own("s", take_over=True) as new:
            await old.__aexit__(None, None, None)
            await _save(new, _session("one"))
            try:
                async with other.own("s"):
                    raise AssertionError("a second owner was let in")
            except UsageError:
                pass


async def check_a_snapshot_may_be_large(harness: StoreHarness) -> None:
    """Half a megabyte of conversation comes back as it was."""
    bus = harness.bus()
    words = "w" * 1_000
    session = _session(*(f"{words} {number}" for number in range(500)))
    async with bus.store() as store, store.own("s") as owned:
        saved = await _save(owned, session)
    async with bus.store() as store, store.own("s") as owned:
        _expect(owned.kept, msgspec.structs.replace(saved, since=0), "what was kept")


STORE_CHECKS: Final[tuple[StoreCheck, ...]] = (
    check_a_new_session_has_nothing,
    check_what_was_saved_is_there_again,
    check_the_conversation_comes_in_parts,
    check_a_part_that_does_not_fit_is_refused,
    check_all_may_be_sent_again,
    check_there_is_one_owner,
    check_it_can_be_taken_over,
    check_leaving_after_a_takeover_does_not_free_it,
    check_a_snapshot_may_be_large,
)


async def check_store(harness: StoreHarness) -> None:
    """Run every check, each on a store of its own."""
    for check in STORE_CHECKS:
        await check(harness)
