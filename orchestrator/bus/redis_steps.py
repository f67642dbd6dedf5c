"""What a task has done that must not be done twice: written down step by step, behind the same fence as its findings.

One hash for a task. A field is a step, as the worker calls it; its value is the attempt that began it, then `?` while
it is not known how it ended, or `=` and the outcome.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from orchestrator.bus.redis_client import Step
from orchestrator.bus.redis_keys import Keys
from orchestrator.bus.redis_lua import script
from orchestrator.ports import Begun, Steps

__all__ = ["BEGIN", "COMPLETE", "EARLIER", "RedisSteps"]

BEGIN: Final = script(
    """
-- KEYS job steps; ARGV token step
local job, steps = KEYS[1], KEYS[2]
local token, step = ARGV[2], ARGV[3]
local task = load(job)
if task.token ~= token or task.state ~= 'running' then
  return { 'lost' }
end
local value = redis.call('HGET', steps, step)
if not value then
  redis.call('HSET', steps, step, task.attempt .. ' ?')
  live(steps, task.ttl)
  return { 'new' }
end
local space = string.find(value, ' ', 1, true)
if string.sub(value, space + 1, space + 1) == '=' then
  return { 'done', string.sub(value, space + 2) }
end
-- Begun by this very attempt: then it was asked twice, since the first answer was lost on the way.
return { string.sub(value, 1, space - 1) == task.attempt and 'new' or 'begun' }
"""
)

COMPLETE: Final = script(
    """
-- KEYS job steps; ARGV token step outcome
local job, steps = KEYS[1], KEYS[2]
local token, step, outcome = ARGV[2], ARGV[3], ARGV[4]
local task = load(job)
if task.token ~= token or task.state ~= 'running' then
  return { 'lost' }
end
redis.call('HSET', steps, step, task.attempt .. ' =' .. outcome)
live(steps, task.ttl)
return { 'ok' }
"""
)

EARLIER: Final = script(
    """
-- KEYS job steps; ARGV token
local job, steps = KEYS[1], KEYS[2]
local token = ARGV[2]
local task = load(job)
if task.token ~= token or task.state ~= 'running' then
  return { 'lost' }
end
return { 'ok', tonumber(task.attempt), tonumber(task.first or 0), redis.call('HGETALL', steps) }
"""
)


class RedisSteps:
    """See `StepLog`. `insist` runs a step until Redis has answered: what is not written down may not be done."""

    def __init__(self, keys: Keys, task: str, token: str, insist: Callable[[Step], Awaitable[list[Any]]]) -> None:
        self._names = (keys.job(task), keys.steps(task))
        self._fence = (keys.prefix, token)
        self._insist = insist

    async def begin(self, step: str) -> Begun:
        """See `StepLog.begin`."""
        known, *outcome = await self._insist((BEGIN, self._names, (*self._fence, step)))
        match known:
            case b"done":
                return Begun("done", outcome[0])
            case b"begun":
                return Begun("begun")
            case _:
                return Begun("new")

    async def complete(self, step: str, outcome: bytes) -> None:
        """See `StepLog.complete`."""
        await self._insist((COMPLETE, self._names, (*self._fence, step, outcome)))

    async def earlier(self) -> Steps:
        """See `StepLog.earlier`."""
        _, attempt, first, pairs = await self._insist((EARLIER, self._names, self._fence))
        return _earlier(attempt, first, pairs)


def _earlier(attempt: int, first: int, pairs: Sequence[bytes]) -> Steps:
    # `first` is the first attempt that this Redis has seen: what was done before it, nobody can know any more.
    outcomes: dict[str, bytes | None] = {}
    for step, value in zip(pairs[::2], pairs[1::2], strict=True):
        by, _, rest = value.partition(b" ")
        if int(by) < attempt:
            outcomes[step.decode(errors="surrogateescape")] = rest[1:] if rest[:1] == b"=" else None
    return Steps(outcomes, whole=first == 1)
