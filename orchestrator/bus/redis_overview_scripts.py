"""What is looked at, and done from outside, in one step each: the register of workers, the overview, a second try.

Reading never goes through all keys, and never carries the body of a task to the reader: only so many entries are looked
at as the reader names, and of each only its facts.
"""

from __future__ import annotations

from typing import Final

from orchestrator.bus.redis_lua import script

__all__ = ["BEAT", "FACTS", "LETTER", "LOOK", "RETRY_LETTER", "RETRY_RUNNING", "STORY"]

_SHOWN: Final = """
local SHOWN = {
  'state', 'attempt', 'task', 'session', 'front', 'worker', 'beat', 'since', 'begun', 'deadline', 'urgency', 'cancel',
}
local fronts, seen = {}, {}

local function field(fields, name)
  for i = 1, #fields, 2 do
    if fields[i] == name then
      return fields[i + 1]
    end
  end
  return ''
end

local function facts(pool, entry, id)
  local found = redis.call('HMGET', prefix .. 'job:' .. id, unpack(SHOWN))
  local front = found[5]
  if front and front ~= '' and not seen[front] and #fronts < 100 then
    seen[front] = true
    fronts[#fronts + 1] = { front, redis.call('XLEN', prefix .. 'out:' .. front) }
  end
  return { pool, id, entry, found }
end
"""

BEAT: Final = script(
    """
-- A worker says that it lives, and how it fares. KEYS workers pools; ARGV consumer facts lease_ms pool...
local workers, pools = KEYS[1], KEYS[2]
local consumer, facts, lease = ARGV[2], ARGV[3], tonumber(ARGV[4])
local now = now_ms()
local ttl = math.max(60000, 10 * lease)
redis.call('HSET', workers, consumer, now .. ' ' .. facts)
redis.call('PEXPIRE', workers, ttl)
for i = 5, #ARGV do
  redis.call('ZADD', pools, now, ARGV[i])
end
redis.call('PEXPIRE', pools, POOLS_TTL)
-- Who died cannot strike itself out. Once a lease is enough, whoever comes first; the empty name says when it was.
if now - tonumber(redis.call('HGET', workers, '') or '0') > lease then
  redis.call('HSET', workers, '', now)
  local all = redis.call('HGETALL', workers)
  for i = 1, #all, 2 do
    if all[i] ~= '' and (tonumber(string.match(all[i + 1], '^%d+')) or 0) < now - 3 * lease then
      redis.call('HDEL', workers, all[i])
    end
  end
  redis.call('ZREMRANGEBYSCORE', pools, '-inf', now - POOLS_TTL)
end
return { now }
"""
)

FACTS: Final = script(
    _SHOWN
    + """
-- KEYS job...; ARGV the id of each
local found = {}
for i = 1, #KEYS do
  found[i] = facts('', '', ARGV[i + 1])
end
return { now_ms(), found, fronts }
"""
)

LOOK: Final = script(
    _SHOWN
    + """
-- Which task an entry is of stands in its body, which may be large. So of those that run only those are looked at whose
-- workers are in no register (`strays`), unless all are wanted.
-- KEYS pools workers dead; ARGV group lanes strays running waiting letters, then the pools (none: those heard of last)
local group, lanes, strays = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local running, waiting, letters = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])

local function take(pool, key, taken, pending)
  for _, one in ipairs(pending) do
    local entry = redis.call('XRANGE', key, one[1], one[1])[1]
    if entry and entry[2] then
      taken[#taken + 1] = facts(pool, one[1], field(entry[2], 'id'))
    end
  end
end
local function lane(pool, kind)
  local key = prefix .. kind .. (pool ~= '' and ':' .. pool or '')
  local length = redis.call('XLEN', key)
  local held, last, taken, left = { 0 }, false, {}, {}
  local groups = length > 0 and redis.pcall('XINFO', 'GROUPS', key) or {}
  for _, one in ipairs(groups) do
    if field(one, 'name') == group then
      last = field(one, 'last-delivered-id')
      held = redis.call('XPENDING', key, group)
    end
  end
  if held[1] > 0 and running > 0 then
    take(pool, key, taken, redis.call('XPENDING', key, group, '-', '+', running))
  elseif held[1] > 0 then
    for _, one in ipairs(held[4]) do
      if #taken < strays and redis.call('HEXISTS', KEYS[2], one[1]) == 0 then
        take(pool, key, taken, redis.call('XPENDING', key, group, '-', '+', strays - #taken, one[1]))
      end
    end
  end
  local first = ''
  if length > held[1] then
    local from = last and '(' .. last or '-'
    for i, entry in ipairs(redis.call('XRANGE', key, from, '+', 'COUNT', math.max(waiting, 1))) do
      first = i == 1 and entry[1] or first
      if i <= waiting then
        left[#left + 1] = facts(pool, entry[1], field(entry[2], 'id'))
      end
    end
  end
  return { pool, kind, length, held[1], first, held[4] or {}, taken, left }
end

local function of_info(section, ...)
  local text, found = redis.pcall('INFO', section), {}
  for i, name in ipairs({ ... }) do
    found[i] = type(text) == 'string' and string.match(text, name .. ':([^\\r\\n]*)') or ''
  end
  return found
end

local pools = {}
for i = 8, #ARGV do
  pools[#pools + 1] = ARGV[i]
end
if #pools == 0 then
  pools = redis.call('ZREVRANGE', KEYS[1], 0, lanes - 1)
end
local queues = {}
for _, pool in ipairs(pools) do
  queues[#queues + 1] = lane(pool, 'urgent')
  queues[#queues + 1] = lane(pool, 'jobs')
end
local given_up = {}
if letters > 0 then
  for _, letter in ipairs(redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', letters)) do
    local row = { letter[1] }
    for i, name in ipairs({ 'id', 'why', 'session', 'pool', 'task', 'attempt', 'urgency' }) do
      row[i + 1] = field(letter[2], name)
    end
    given_up[#given_up + 1] = row
  end
end
return {
  now_ms(), of_info('server', 'redis_version', 'valkey_version'),
  of_info('memory', 'used_memory', 'maxmemory', 'maxmemory_policy'),
  redis.call('HSCAN', KEYS[2], 0, 'COUNT', 1000)[2], queues, redis.call('XLEN', KEYS[3]), given_up, fronts,
}
"""
)

STORY: Final = script(
    """
-- All that is known of a task. KEYS job orders log steps; ARGV findings
local facts = redis.call('HGETALL', KEYS[1])
local entry = {}
if #facts > 0 then
  local at = redis.call('HMGET', KEYS[1], 'stream', 'entry')
  entry = at[1] and at[2] and redis.call('XRANGE', at[1], at[2], at[2])[1] or {}
end
return {
  now_ms(), facts, entry[2] or {}, redis.call('LRANGE', KEYS[2], 0, -1), redis.call('LLEN', KEYS[3]) / 2,
  redis.call('LRANGE', KEYS[3], -2 * tonumber(ARGV[2]), -1), redis.call('HGETALL', KEYS[4]),
}
"""
)

LETTER: Final = script(
    """
-- The newest dead letter of a task, looked for among the next 50 from `end` down; else where to look on.
-- KEYS dead; ARGV id end
local last = ''
for _, letter in ipairs(redis.call('XREVRANGE', KEYS[1], ARGV[3], '-', 'COUNT', 50)) do
  for i = 1, #letter[2], 2 do
    if letter[2][i] == 'id' and letter[2][i + 1] == ARGV[2] then
      return { 'found', letter[1], letter[2] }
    end
  end
  last = letter[1]
end
return { last == '' and 'none' or 'on', last }
"""
)

RETRY_LETTER: Final = script(
    """
-- The task goes back to the end of its queue with all its time, and its letter goes.
-- KEYS dead job log orders steps; ARGV letter id deadline_ms keep_ms queued kept_ms
local dead, job, history, orders = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local number, id, deadline, keep, queued = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local kept = tonumber(ARGV[7])
local task = load(job)
local known = redis.call('HMGET', job, 'retried', 'heard')
if known[1] == number then
  return { 'queued', tonumber(known[2]) }
end
local letter = redis.call('XRANGE', dead, number, number)[1]
if not letter then
  return { 'gone' }
end
if task.state and not over(task) then
  return { 'open', task.state }
end
local fields = {}
for i = 1, #letter[2], 2 do
  fields[letter[2][i]] = letter[2][i + 1]
end
local ttl = deadline + keep
local body = { 'id', id, 'b', fields.b }
if fields.c then
  if redis.call('LLEN', fields.c) < tonumber(fields.n) then
    return { 'context' }
  end
  live(fields.c, ttl)
  body = { 'id', id, 'b', fields.b, 'c', fields.c, 'n', fields.n }
end
local now = now_ms()
local attempt = math.max(tonumber(task.attempt or '0'), tonumber(fields.attempt))
local front = task.front or fields.front or ''
-- Its stream is gone when it has left, or has had nothing to read for long.
local heard = front ~= '' and redis.call('EXISTS', prefix .. 'out:' .. front) or 0
local entry = redis.call('XADD', fields.stream, '*', unpack(body))
redis.call('HDEL', job, 'cancel', 'worker', 'beat', 'begun')
redis.call('HSET', job, 'state', 'queued', 'token', '', 'entry', entry, 'stream', fields.stream, 'attempt', attempt,
  'tries', 0, 'sent', 0, 'deadline', now + deadline, 'front', front, 'session', fields.session, 'ttl', ttl,
  'since', now, 'task', fields.task, 'pool', fields.pool, 'urgency', fields.urgency, 'retried', number, 'keep', kept)
redis.call('PEXPIRE', job, math.max(ttl, deadline + kept))
used(fields.pool, now)
-- What was done in the attempts before, and must not be done twice, stays known, as what it was told does.
live(orders, ttl)
live(KEYS[5], ttl)
-- What was found before ends with the giving-up, which the person has heard and which holds no more.
redis.call('DEL', history)
redis.call('XDEL', dead, number)
if front ~= '' then
  tell(job, { front = front, session = fields.session, ttl = ttl, attempt = attempt }, queued)
else
  redis.call('HSET', job, 'told', queued)
end
redis.call('HSET', job, 'heard', heard)
return { 'queued', heard }
"""
)

RETRY_RUNNING: Final = script(
    """
-- The task is taken from whoever holds it by `token`, who cannot publish any more, and goes to the end of its queue.
-- KEYS job; ARGV group token queued
local job = KEYS[1]
local group, token, queued = ARGV[2], ARGV[3], ARGV[4]
local task = load(job)
if redis.call('HGET', job, 'retried') == token then
  return { 'queued' }
end
if task.state ~= 'running' or task.token ~= token then
  return { 'changed', task.state or '' }
end
if task.cancel then
  return { 'cancelled' }
end
local body = redis.call('XRANGE', task.stream, task.entry, task.entry)[1]
if not body then
  return { 'gone' }
end
drop(task.stream, group, task.entry)
redis.call('HSET', job, 'entry', redis.call('XADD', task.stream, '*', unpack(body[2])), 'state', 'queued', 'token', '',
  'tries', 0, 'retried', token)
tell(job, task, queued)
return { 'queued' }
"""
)
