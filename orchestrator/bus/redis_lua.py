"""A step in Redis that happens as a whole or not at all: a script in Lua, with what all of them share before it.

A script is a string and not a file beside, since a file that is read while the event loop runs would block it.
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

__all__ = ["Script", "script"]

_SHARED: Final = """
-- Each step may be sent twice: a reply that was lost on the way is asked for again, and the second run changes nothing.
-- The stream of a front end is not among KEYS, since only the task's hash knows which it is by now. Its name has the
-- same hash tag, and so the same slot of a Cluster.

local prefix = ARGV[1]
local DEAD_KEPT = 1000
local DEAD_TTL = 7 * 24 * 3600 * 1000
local BELLS_KEPT = 1000
-- Entries, the newest. All of them are told again at once to whoever takes a task over.
local LOG_KEPT = 1000
local POOLS_TTL = 24 * 3600 * 1000

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- PEXPIRE with GT needs Redis 7. A key may only come to live longer: another task may need it for longer. It gets a
-- minute more than it must have, so that one which is used all the time is not told so each time.
local function live(key, ttl)
  if redis.call('PTTL', key) < tonumber(ttl) then
    redis.call('PEXPIRE', key, ttl + 60000)
  end
end

local FIELDS = {
  'state', 'token', 'entry', 'stream', 'attempt', 'first', 'tries', 'sent', 'cancel', 'told', 'deadline', 'front',
  'session', 'ttl',
}

local function load(job)
  local values = redis.call('HMGET', job, unpack(FIELDS))
  local task = {}
  for i, name in ipairs(FIELDS) do
    task[name] = values[i]
  end
  return task
end

local function over(task)
  return task.state == 'done' or task.state == 'cancelled'
end

-- `before` is what has to be heard first and is in no log: that the task runs.
local function send(task, attempt, payload, before)
  local out = prefix .. 'out:' .. task.front
  if before and before ~= '' then
    redis.call('XADD', out, '*', 's', task.session, 'a', attempt, 'r', before, 'u', payload)
  else
    redis.call('XADD', out, '*', 's', task.session, 'a', attempt, 'u', payload)
  end
  live(out, task.ttl)
end

-- The state a task is in is told now, and again to whoever submits it a second time.
local function tell(job, task, payload, before)
  redis.call('HSET', job, 'told', payload)
  send(task, task.attempt, payload, before)
end

-- A list and not a stream, which would take 4 KB for one finding. By twos: the attempt, and what it said.
local function log(key, task, payload, before)
  if redis.call('RPUSH', key, task.attempt, payload) > 2 * LOG_KEPT then
    redis.call('LTRIM', key, -2 * LOG_KEPT, -1)
  end
  live(key, task.ttl)
  send(task, task.attempt, payload, before)
end

local function drop(jobs, group, entry)
  redis.call('XACK', jobs, group, entry)
  redis.call('XDEL', jobs, entry)
end

-- For whoever looks on. One who may not write it down may hand over all the same.
local function used(pool, now)
  if redis.pcall('ZADD', prefix .. 'pools', now, pool) == 1 then
    redis.call('PEXPIRE', prefix .. 'pools', POOLS_TTL)
  end
end

local function cancelled(job, task, payload)
  redis.call('HSET', job, 'state', 'cancelled', 'token', '')
  tell(job, task, payload)
end
"""


class Script(msgspec.Struct, frozen=True):
    """What `RedisClient.script` runs. `sha` is what Redis knows it by, once it has been loaded."""

    source: str
    sha: str


def script(body: str) -> Script:
    """A step. Its `ARGV[1]` is the key prefix, from which `_SHARED` makes what the body may use.

    It may be sent twice, when a reply was lost on the way; the second run must change nothing.
    """
    source = _SHARED + body
    return Script(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())
