"""A task that a worker owns on Redis, for as long as its token is the one in the task's hash."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import anyio

from orchestrator.bundle import Bundle
from orchestrator.bus.endings import HANDED_BACK
from orchestrator.bus.redis_client import Away, Step
from orchestrator.bus.redis_held import Held, HeldTask, Office
from orchestrator.bus.redis_keys import GROUP
from orchestrator.bus.redis_scripts import EMIT, FINISH, GIVE_BACK
from orchestrator.bus.redis_steps import RedisSteps
from orchestrator.codec import updates_wire
from orchestrator.events import DelegationUpdate
from orchestrator.finding import Finding
from orchestrator.ports import Order, StepLog

__all__ = ["RedisClaim", "give_up"]

_UPDATES: Final = updates_wire()


class RedisClaim(HeldTask):
    """See `Claim`. When Redis is away it waits with what it has to say: the work must not have been for nothing."""

    def __init__(self, office: Office, held: Held, bundle: Bundle, orders: list[bytes], left_ms: int) -> None:
        super().__init__(office, held, orders)
        self._bundle = bundle
        # By this machine's clock from here on: how far it is from Redis' own does not matter then.
        self._deadline = anyio.current_time() + left_ms / 1_000
        self._number = 0
        self._unsure: tuple[Finding, ...] = ()
        """What has been sent and had no answer: if it is sent again, it is the same step."""
        self._announcement = _UPDATES.encode(DelegationUpdate(held.task, "running"))
        """That it runs, until that has been sent: with its first finding, since each message wakes the front end."""
        self._one_at_a_time = anyio.Lock(fast_acquire=True)

    @property
    def bundle(self) -> Bundle:
        """The task."""
        return self._bundle

    @property
    def attempt(self) -> int:
        """See `Claim.attempt`."""
        return self.held.attempt

    @property
    def left_ms(self) -> int:
        """See `Claim.left_ms`."""
        return max(0, int((self._deadline - anyio.current_time()) * 1_000))

    @property
    def steps(self) -> StepLog:
        """See `Claim.steps`."""
        return RedisSteps(self._office.keys, self.held.task, self.held.token, self._insist)

    def orders(self) -> AsyncIterator[Order]:
        """See `Claim.orders`."""
        return self._book.read()

    async def publish(self, *findings: Finding) -> None:
        """See `Claim.publish`."""
        if not findings:
            return
        payload = _UPDATES.encode(*findings)
        async with self._one_at_a_time:
            # Numbered, so that what had no answer is not put there twice when it is sent again.
            if findings != self._unsure:
                self._number += 1
                self._unsure = findings
            await self._insist(self._emitting(payload))
            self._announcement, self._unsure = b"", ()

    async def announce(self) -> None:
        """Say that it runs, if nothing has been said yet. Raises `Away`."""
        # Not while something may have been said: it would take the number by which that is known when it comes again.
        if self._announcement and not self._unsure and not self._over and not self._one_at_a_time.locked():
            async with self._one_at_a_time:
                self._number += 1
                await self._office.client.script(*self._emitting(b""))
                self._announcement = b""

    async def finish(self, *findings: Finding) -> None:
        """See `Claim.finish`."""
        await self._end_by("done", _UPDATES.encode(*findings))

    async def confirm_cancelled(self, reason: str) -> None:
        """See `Claim.confirm_cancelled`."""
        await self._end_by("cancelled", _UPDATES.encode(DelegationUpdate(self.held.task, "cancelled", reason)))

    async def hand_back(self) -> None:
        """See `Claim.hand_back`. When Redis is away the end of the lease does the same, a little later."""
        async with self._one_at_a_time:
            self._check()
            keys, held = self._office.keys, self.held
            queued = _UPDATES.encode(DelegationUpdate(held.task, "queued", HANDED_BACK))
            arguments = (keys.prefix, GROUP, held.token, held.entry, queued, self._announcement)
            self._ending = True
            try:
                await self._office.client.script(GIVE_BACK, [held.stream, keys.job(held.task)], arguments)
            except Away:
                pass
            finally:
                self.end()

    def _emitting(self, payload: bytes) -> Step:
        keys, held = self._office.keys, self.held
        arguments = (keys.prefix, held.token, self._number, payload, self._announcement)
        return EMIT, [keys.job(held.task), keys.log(held.task)], arguments

    async def _end_by(self, state: str, payload: bytes) -> None:
        async with self._one_at_a_time:
            self._ending = True
            try:
                await self._insist(_finishing(self._office, self.held, state, payload, running=self._announcement))
                self.end()
            finally:
                self._ending = False


async def give_up(office: Office, held: Held, finding: Finding, why: str) -> None:
    """End a task that nobody should try, with a dead letter if there is a `why`. Raises `Away`: it does not wait."""
    await office.client.script(*_finishing(office, held, "done", _UPDATES.encode(finding), why=why))


def _finishing(office: Office, held: Held, state: str, payload: bytes, *, why: str = "", running: bytes = b"") -> Step:
    keys = office.keys
    own = (keys.job(held.task), keys.log(held.task), keys.orders(held.task))
    names = [held.stream, *own, keys.dead, keys.steps(held.task)]
    arguments = (keys.prefix, GROUP, held.token, office.keep_ms, state, payload, held.task, why, running)
    return FINISH, names, arguments
