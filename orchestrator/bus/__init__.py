"""The hand-off between the front ends, which talk, and the workers, which think.

Two implementations of one contract: `MemoryBus` within a process and `RedisBus` between processes. The contract is the
ports `FrontBus` and `WorkerBus`, and what `orchestrator.testing.check_bus` checks:

- Open `updates(session)` first, then submit: a subscription hears everything from the call of `updates` on, also what
  arrives before it is first read. It hears nothing from before. When the subscription is given up, so is the interest
  in that session's tasks: whoever goes on with it, here or elsewhere, submits them again.
- At least once. A task whose worker dies, leaves or hands it back is claimed again with a higher `attempt`; the worker
  of an older attempt is refused with `ClaimLost`, so that one attempt at a time can speak.
- `submit` is idempotent by `bundle.id`. A second submit never makes a second task; it tells this front end once more
  all that is known of the task (state, then findings). That is how a session that moved to another process, or whose
  reply was lost on the way, catches up; the ledger drops what it has seen.
- An urgent task (`bundle.urgent`) is taken before all others that wait in its pool.
- Orders are kept with the task: a later attempt sees those of the earlier ones. A task that is called off before a
  worker has it, or between two workers, ends at once with `DelegationUpdate(cancelled)`.
- A task that has passed its deadline, or has been lost by too many workers, is not tried again: the bus ends it with an
  error finding, since every delegation gets exactly one terminal answer.

Beside it a bus has a `SessionStore`, where a session that nobody holds waits to be taken up again (what
`orchestrator.testing.check_store` checks). Each session has one owner; whoever takes it over fences the old one out.
The answer to a task of a session that is kept (`bundle.keep_ms`) waits as long as the session does, until a save says
that it is known there.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from orchestrator.ports import FrontBus, SessionStore, WorkerBus

__all__ = ["Bus", "connect"]


class Bus(Protocol):
    """A hand-off. Holds nothing open by itself: what is entered is left again."""

    def front(self) -> AbstractAsyncContextManager[FrontBus]:
        """The front end's side: one for a process. Entering does not raise when the bus is away."""
        ...

    def worker(self, *, name: str = "worker", pools: Sequence[str] = ("",)) -> AbstractAsyncContextManager[WorkerBus]:
        """A worker's side, for the tasks of `pools`. Leaving it hands back what it has claimed and not finished."""
        ...

    def store(self) -> AbstractAsyncContextManager[SessionStore]:
        """Where the sessions of its front ends are kept. Entering does not raise when the bus is away."""
        ...


def connect(url: str | None) -> Bus:
    """A bus on the Redis at `url`, or one in this process where there is none. Raises `ConfigError` for a wrong URL.

    Nothing is contacted yet. Redis is imported only where it is used: it costs a tenth of a second.
    """
    if url is None:
        from orchestrator.bus.memory import MemoryBus

        return MemoryBus()
    from orchestrator.bus.redis import RedisBus

    return RedisBus(url)
