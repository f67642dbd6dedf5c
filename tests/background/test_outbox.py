"""The outbox in virtual time: what goes together, what does not wait, and nothing twice or out of order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import anyio
import msgspec
import pytest

from background.mailbox import Mailbox
from background.outbox import PARCEL, Outbox
from background.settings import WorkerSettings
from orchestrator.bundle import Bundle
from orchestrator.errors import BusUnavailable, ClaimLost
from orchestrator.finding import Finding
from orchestrator.ports import Order, StepLog
from orchestrator.testing import run_virtual


class Bus:
    """A claim that notes when which parcel was given to it; refuses those that `refuses` has an error for."""

    def __init__(
        self, refuses: Callable[[int, tuple[Finding, ...]], Exception | None] = lambda _n, _parcel: None
    ) -> None:
        self.bundle = Bundle("s-1", "s", "task")
        self.attempt = 1
        self.left_ms = 60_000
        self.taken: list[tuple[int, str]] = []
        """When, in whole milliseconds, and the texts of the parcel; the last word is in capitals."""
        self.numbers: list[int] = []
        self.tried: list[tuple[Finding, ...]] = []
        self.takes_s = 0.0
        self._refuses = refuses

    async def publish(self, *findings: Finding) -> None:
        assert not any(finding.terminal for finding in findings)
        await self._take(findings)

    async def finish(self, *findings: Finding) -> None:
        assert [finding.terminal for finding in findings].index(True) == len(findings) - 1
        await self._take(findings)

    async def _take(self, parcel: tuple[Finding, ...]) -> None:
        self.tried.append(parcel)
        await anyio.sleep(self.takes_s)
        refused = self._refuses(len(self.tried), parcel)
        if refused is not None:
            raise refused
        texts = [finding.text.upper() if finding.terminal else finding.text for finding in parcel]
        self.numbers += [finding.seq for finding in parcel]
        self.taken.append((round(anyio.current_time() * 1000), " ".join(texts)))

    def orders(self) -> AsyncIterator[Order]:
        raise NotImplementedError

    @property
    def steps(self) -> StepLog:
        raise NotImplementedError

    async def confirm_cancelled(self, reason: str) -> None:
        raise NotImplementedError

    async def hand_back(self) -> None:
        raise NotImplementedError


Play = Callable[[Outbox], Awaitable[None]]


def sent(play: Play, bus: Bus | None = None, settings: WorkerSettings = WorkerSettings()) -> list[tuple[int, str]]:  # noqa: B008 - it is frozen
    """What the bus has taken, and when, while `play` put it in. It begins a second after the clock does."""
    bus = bus or Bus()

    async def main() -> None:
        await anyio.sleep(1)
        outbox = Outbox(bus, Mailbox(0), settings)
        async with anyio.create_task_group() as group:
            group.start_soon(outbox.run)
            await anyio.wait_all_tasks_blocked()
            await play(outbox)

    run_virtual(main)
    assert bus.numbers == list(range(1, len(bus.numbers) + 1)), "each once, and in order"
    return [(at - 1000, texts) for at, texts in bus.taken]


def part(text: str) -> Finding:
    return Finding.partial(text)


def test_the_first_goes_at_once_and_the_rest_together() -> None:
    async def play(outbox: Outbox) -> None:
        for number in range(8):
            await outbox.put(part(str(number)))
            await anyio.sleep(0.005)
        await anyio.sleep(0.1)
        await outbox.put(part("later"))
        await anyio.sleep(0.001)
        outbox.finish(Finding.final("end"))

    assert sent(play) == [(0, "0"), (20, "1 2 3 4"), (40, "5 6 7"), (140, "later"), (141, "END")]


def test_the_last_goes_with_what_is_before_it() -> None:
    async def play(outbox: Outbox) -> None:
        for number in range(3 * PARCEL):
            await outbox.put(part(str(number)))
        outbox.finish(Finding.final("end"))

    assert sent(play) == [(0, " ".join([*map(str, range(3 * PARCEL)), "END"]))]


def test_enough_does_not_wait_for_more() -> None:
    async def play(outbox: Outbox) -> None:
        await outbox.put(part("first"))
        await anyio.sleep(0.001)
        for number in range(PARCEL + 3):
            await outbox.put(part(str(number)))
        await anyio.sleep(0.001)
        await anyio.sleep(0.5)
        outbox.finish(Finding.final("end"))

    full, rest = range(PARCEL), range(PARCEL, PARCEL + 3)
    assert sent(play) == [(0, "first"), (1, " ".join(map(str, full))), (21, " ".join(map(str, rest))), (502, "END")]


@pytest.mark.parametrize(
    "pressing", [Finding.question("which"), msgspec.structs.replace(Finding.partial("which"), urgency="critical")]
)
def test_what_presses_does_not_wait_and_overtakes_nothing(pressing: Finding) -> None:
    async def play(outbox: Outbox) -> None:
        await outbox.put(part("a"))
        await anyio.sleep(0.001)
        await outbox.put(part("b"))
        await anyio.sleep(0.001)
        await outbox.put(pressing)
        await anyio.sleep(0.001)
        await outbox.put(part("c"))
        await anyio.sleep(1)
        outbox.finish(Finding.final("end"))

    assert sent(play) == [(0, "a"), (2, "b which"), (22, "c"), (1003, "END")]


def test_while_one_is_on_its_way_the_next_gathers() -> None:
    bus = Bus()
    bus.takes_s = 0.05

    async def play(outbox: Outbox) -> None:
        for number in range(10):
            await outbox.put(part(str(number)))
            await anyio.sleep(0.01)
        outbox.finish(Finding.final("end"))

    assert sent(play, bus) == [(50, "0"), (120, "1 2 3 4 5 6"), (170, "7 8 9 END")]


def test_progress_goes_before_what_follows_it() -> None:
    async def play(outbox: Outbox) -> None:
        outbox.report(Finding.progress("1 %"))
        await anyio.sleep(0.03)
        outbox.report(Finding.progress("2 %"))
        outbox.report(Finding.progress("3 %"))
        await outbox.put(part("half"))
        await anyio.sleep(0.5)
        outbox.finish(Finding.final("end"))

    assert sent(play) == [(0, "1 %"), (30, "3 % half"), (530, "END")]


def test_progress_that_waits_goes_out_by_itself() -> None:
    async def play(outbox: Outbox) -> None:
        for number in range(50):
            outbox.report(Finding.progress(f"{number} %"))
            await anyio.sleep(0.01)
        outbox.finish(Finding.final("end"))

    told = sent(play)
    assert [at for at, _ in told] == [0, 100, 200, 300, 400, 500]
    assert told[-1][1] == "END"


def test_a_parcel_that_was_refused_comes_again_as_it_was() -> None:
    """What may have arrived must not come in other company: else the bus could not tell it from news."""
    bus = Bus(lambda times, _: BusUnavailable("away") if times in (1, 2, 4) else None)

    async def play(outbox: Outbox) -> None:
        for number in range(5):
            await outbox.put(part(str(number)))
            await anyio.sleep(0.03)
        outbox.finish(Finding.final("end"))

    assert sent(play, bus, WorkerSettings(retry_s=0.05)) == [(150, "0"), (200, "1 2 3 4 END")]
    assert [len(parcel) for parcel in bus.tried] == [1, 1, 1, 5, 5]


def test_cut_off_and_begun_again_it_is_still_the_same_parcel() -> None:
    bus = Bus(lambda times, _: BusUnavailable("away") if times == 1 else None)

    async def main() -> None:
        outbox = Outbox(bus, Mailbox(0), WorkerSettings(retry_s=3600))
        await outbox.put(part("a"))
        with anyio.move_on_after(1):
            await outbox.run()
        await outbox.put(part("b"))
        outbox.finish(Finding.final("end"))
        await outbox.run()

    run_virtual(main)
    assert [text for _, text in bus.taken] == ["a", "b END"]
    assert bus.tried[0] == bus.tried[1]


def test_one_that_cannot_be_sent_takes_no_other_with_it() -> None:
    def strict(_: int, parcel: tuple[Finding, ...]) -> Exception | None:
        return TypeError("cannot be encoded") if any(finding.data for finding in parcel) else None

    bus = Bus(strict)

    async def play(outbox: Outbox) -> None:
        for text in ("a", "b", "c"):
            data = {"socket": object()} if text == "b" else None
            await outbox.put(msgspec.structs.replace(part(text), data=data))
        outbox.finish(Finding.final("end"))

    sent(play, bus)
    assert [text for _, text in bus.taken] == ["a", "b", "c", "END"]


def test_a_lost_claim_comes_out() -> None:
    async def main() -> None:
        outbox = Outbox(Bus(lambda _, _parcel: ClaimLost("another has it")), Mailbox(0), WorkerSettings())
        await outbox.put(part("a"))
        with pytest.raises(ClaimLost):
            await outbox.run()

    run_virtual(main)


def test_a_full_outbox_holds_who_fills_it_and_does_not_wait_for_the_moment() -> None:
    async def play(outbox: Outbox) -> None:
        for number in range(9):
            await outbox.put(part(str(number)))
        outbox.finish(Finding.final("end"))

    assert sent(play, settings=WorkerSettings(outbox=4, flush_s=0.04)) == [(0, "0 1 2 3"), (0, "4 5 6 7"), (0, "8 END")]
