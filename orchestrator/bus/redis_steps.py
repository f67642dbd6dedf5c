"""What a task has done that must not be done twice: written down step by step, behind the same fence as its findings.

One hash for a task. A field is a step, as the worker calls it; its value is the attempt that began it, then `?` while
it is not known how it ended, or `=` and the outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from orchestrator.bus.redis_lua import script
from orchestrator.ports import Steps

__all__ = ["BEGIN", "COMPLETE", "EARLIER", "earlier_steps"]

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


def earlier_steps(attempt: int, first: int, pairs: Sequence[bytes]) -> Steps:
    """The steps of the attempts before `attempt`, out of all that is written down.

    `first` is the first attempt that this Redis has seen: what was done before it, nobody can know any more.
    """
    outcomes: dict[str, bytes | None] = {}
    for step, value in zip(pairs[::2], pairs[1::2], strict=True):
        by, _, rest = value.partition(b" ")
        if int(by) < attempt:
            outcomes[step.decode(errors="surrogateescape")] = rest[1:] if rest[:1] == b"=" else None
    return Steps(outcomes, whole=first == 1)
