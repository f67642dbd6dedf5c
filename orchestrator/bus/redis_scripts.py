"""Every change of a task in Redis that must happen in one step or not at all."""

from __future__ import annotations

from typing import Final

from orchestrator.bus.redis_lua import script

__all__ = [
    "CHECK",
    "EMIT",
    "ENQUEUE",
    "FINISH",
    "FORGET",
    "GIVE_BACK",
    "LAST_ID",
    "ORDER",
    "PROBE",
    "READ",
    "REAP",
    "RENEW",
    "START",
]

ENQUEUE: Final = script(
    """
-- KEYS jobs job log context
-- ARGV id bundle session front deadline_ms keep_ms capacity attempt queued words pool urgency
-- known needed piece kept_ms
-- Three are for a conversation that is kept apart: `known` pieces of it are there, `piece` comes to them, and
-- the task needs the first `needed` (0: it carries its conversation along).
local jobs, job, history, context = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, bundle, session, front = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local deadline, keep, capacity = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local attempt, queued = ARGV[9], ARGV[10]
local known, needed, piece = tonumber(ARGV[14]), tonumber(ARGV[15]), ARGV[16]
local kept = tonumber(ARGV[17])
local task = load(job)
if task.state then
  redis.call('HSET', job, 'front', front)
  task.front = front
  if task.told ~= '' then
    send(task, task.attempt, task.told)
  end
  local said = redis.call('LRANGE', history, 0, -1)
  for i = 1, #said, 2 do
    send(task, said[i], said[i + 1])
  end
  return { 'known', redis.call('LRANGE', prefix .. 'orders:' .. id, 0, -1) }
end
local length = redis.call('XLEN', jobs)
if length >= capacity then
  local first = redis.call('XRANGE', jobs, '-', '+', 'COUNT', 1)
  return { 'busy', length, now_ms() - tonumber(string.match(first[1][1], '^%d+')) }
end
local ttl = deadline + keep
local entry
if needed == 0 then
  entry = redis.call('XADD', jobs, '*', 'id', id, 'b', bundle)
else
  if redis.call('LLEN', context) ~= known then
    return { 'context' }
  end
  if piece ~= '' then
    redis.call('RPUSH', context, piece)
  end
  live(context, ttl)
  entry = redis.call('XADD', jobs, '*', 'id', id, 'b', bundle, 'c', context, 'n', needed)
end
local now = now_ms()
redis.call('HSET', job, 'state', 'queued', 'token', '', 'entry', entry, 'stream', jobs, 'attempt', attempt,
  'tries', 0, 'sent', 0, 'told', queued, 'deadline', now + deadline, 'front', front, 'session', session, 'ttl', ttl,
  'since', now, 'task', ARGV[11], 'pool', ARGV[12], 'urgency', ARGV[13], 'keep', kept)
-- A session that is away may come back for it much later.
redis.call('PEXPIRE', job, math.max(ttl, deadline + kept))
used(ARGV[12], now)
-- That it is queued is what this reply says; by the stream it would come no sooner, and wake the front end once more.
return { 'taken' }
"""
)

READ: Final = script(
    """
-- What there is to take just now, the first streams first, and never more than there is room for.
-- KEYS jobs...; ARGV group consumer room
local found, room = {}, tonumber(ARGV[4])
for _, jobs in ipairs(KEYS) do
  if room > 0 then
    local reply = redis.call('XREADGROUP', 'GROUP', ARGV[2], ARGV[3], 'COUNT', room, 'STREAMS', jobs, '>')
    if reply then
      found[#found + 1] = reply[1]
      room = room - #reply[1][2]
    end
  end
end
return found
"""
)

START: Final = script(
    """
-- KEYS jobs job orders; ARGV group entry token max_attempts running consumer
local jobs, job, orders = KEYS[1], KEYS[2], KEYS[3]
local group, entry, token, most, running = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local task = load(job)
-- An entry that is not the task's own is what a hand-back or a loss of data left behind.
if not task.state or over(task) or task.entry ~= entry then
  drop(jobs, group, entry)
  return { 'gone' }
end
local now = now_ms()
local left = tonumber(task.deadline) - now
local late = left <= 0
local dead = tonumber(task.tries) + (task.token == token and 0 or 1) > most
if task.token ~= token then
  if task.cancel then
    drop(jobs, group, entry)
    cancelled(job, task, task.cancel)
    return { 'gone' }
  end
  task.attempt = tonumber(task.attempt) + 1
  -- After a loss of data counting goes on from where it was: then the record of the steps does not reach back to 1.
  -- That it runs is told with what the worker says first, or by itself a moment later.
  redis.call('HSET', job, 'state', 'running', 'token', token, 'attempt', task.attempt, 'sent', 0, 'beat', now,
    'begun', now, 'worker', ARGV[7], 'first', task.first or task.attempt, 'tries', tonumber(task.tries) + 1,
    'told', (late or dead) and task.told or running)
end
local verdict = late and 'late' or dead and 'dead' or 'yours'
return { verdict, tonumber(task.attempt), redis.call('LRANGE', orders, 0, -1), math.max(left, 0) }
"""
)

EMIT: Final = script(
    """
-- KEYS job log; ARGV token number payload running
-- The payload is as many findings as there are, in one entry; an empty one only says that it runs. `running` goes
-- before the first payload of an attempt.
local job, history = KEYS[1], KEYS[2]
local token, number, payload, running = ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local task = load(job)
if task.token ~= token or task.state ~= 'running' then
  return { 'lost' }
end
if number > tonumber(task.sent) then
  if payload == '' then
    send(task, task.attempt, running)
  else
    log(history, task, payload, running)
  end
  -- The last of all: what breaks off before it is done again, and told twice rather than never.
  redis.call('HSET', job, 'sent', number)
end
return { 'ok' }
"""
)

FINISH: Final = script(
    """
-- KEYS jobs job log orders dead steps; ARGV group token keep_ms state payload id why running
local jobs, job, history, orders, dead, steps = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local group, token, keep, state, payload, id, why = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local task = load(job)
if task.token ~= token then
  return { 'lost' }
end
if over(task) then
  return { 'ok' }
end
local answered = state == 'done'
if answered then
  redis.call('RPUSH', history, task.attempt, payload)
end
send(task, task.attempt, payload, ARGV[9])
if why ~= '' then
  -- With all that is needed to try it again: whoever runs the workers may have mended what was wrong.
  local facts = redis.call('HMGET', job, 'session', 'pool', 'task', 'urgency')
  local letter = { 'id', id, 'why', why, 'session', facts[1] or '', 'pool', facts[2] or '', 'task', facts[3] or '',
    'urgency', facts[4] or 'normal', 'attempt', task.attempt, 'ttl', task.ttl, 'stream', jobs,
    'front', task.front }
  local body = redis.call('XRANGE', jobs, task.entry, task.entry)
  if body[1] then
    for i = 1, #body[1][2], 2 do
      local name, value = body[1][2][i], body[1][2][i + 1]
      if name ~= 'id' then
        letter[#letter + 1] = name
        letter[#letter + 1] = value
      end
      if name == 'c' then
        live(value, DEAD_TTL)
      end
    end
  end
  redis.call('XADD', dead, 'MAXLEN', '~', DEAD_KEPT, '*', unpack(letter))
  live(dead, DEAD_TTL)
end
-- Behind what it says: an end that breaks off before it is done again.
redis.call('HSET', job, 'state', state, 'told', answered and '' or payload)
drop(jobs, group, task.entry)
-- The answer waits for a session that is away, until a save says that it is known there.
if not task.cancel then
  keep = math.max(tonumber(keep), tonumber(redis.call('HGET', job, 'keep') or 0))
end
for _, key in ipairs({ job, history, orders, steps }) do
  redis.call('PEXPIRE', key, keep)
end
return { 'ok' }
"""
)

GIVE_BACK: Final = script(
    """
-- An empty token gives back what was read and not started. KEYS jobs job; ARGV group token entry queued running
local jobs, job = KEYS[1], KEYS[2]
local group, token, entry, queued = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local task = load(job)
local body = redis.call('XRANGE', jobs, entry, entry)
if task.token ~= token or task.entry ~= entry or over(task) or not body[1] then
  return { 'lost' }
end
drop(jobs, group, entry)
if task.cancel then
  cancelled(job, task, task.cancel)
  return { 'ok' }
end
redis.call('HSET', job, 'entry', redis.call('XADD', jobs, '*', unpack(body[1][2])), 'state', 'queued', 'token', '')
if token ~= '' then
  -- Only what a worker lost without a word counts towards giving up, not what it returned in good order.
  redis.call('HINCRBY', job, 'tries', -1)
  tell(job, task, queued, ARGV[6])
end
return { 'ok' }
"""
)

RENEW: Final = script(
    """
-- The lease is only renewed for the owner: a worker that woke up late would else take its lease back without the task.
-- Answers for each job how many orders there are, so that one whose bell was missed is found; -1: it is another's.
-- KEYS jobs, then job and orders of each; ARGV group consumer, then entry and token of each
local group, consumer = ARGV[2], ARGV[3]
local now = now_ms()
local answer = {}
for i = 2, #KEYS, 2 do
  local job, orders, entry, token = KEYS[i], KEYS[i + 1], ARGV[i + 2], ARGV[i + 3]
  local held = redis.call('HMGET', job, 'token', 'state')
  if held[1] == token and held[2] == 'running' then
    redis.call('XCLAIM', KEYS[1], group, consumer, 0, entry, 'JUSTID')
    redis.call('HSET', job, 'beat', now)
    answer[#answer + 1] = redis.call('LLEN', orders)
  else
    answer[#answer + 1] = -1
  end
end
return answer
"""
)

ORDER: Final = script(
    """
-- KEYS job orders ctl; ARGV group id payload cancelled (empty for an amendment)
local job, orders, bells = KEYS[1], KEYS[2], KEYS[3]
local group, id, payload, cancel = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local task = load(job)
if not task.state then
  return { 'unknown' }
end
if over(task) then
  return { 'over' }
end
if redis.call('LINDEX', orders, -1) ~= payload then
  redis.call('RPUSH', orders, payload)
  live(orders, task.ttl)
end
if cancel ~= '' then
  redis.call('HSET', job, 'cancel', cancel)
  if task.state == 'queued' then
    drop(task.stream, group, task.entry)
    cancelled(job, task, cancel)
    return { 'ended' }
  end
end
redis.call('XADD', bells, 'MAXLEN', '~', BELLS_KEPT, '*', 'id', id)
live(bells, task.ttl)
return { 'sent' }
"""
)

CHECK: Final = script(
    """
-- How tasks stand whose end a front end waits for. KEYS job...; ARGV patience_ms front
-- Astray: what it finds goes to another front end, which has lost the session to this one and has not noticed at once.
local long_ago = now_ms() - tonumber(ARGV[2])
local answer = {}
for i, job in ipairs(KEYS) do
  local facts = redis.call('HMGET', job, 'state', 'beat', 'attempt', 'front')
  local how = facts[1] or 'lost'
  if facts[1] and facts[4] ~= ARGV[3] then
    how = 'astray'
  end
  if how == 'running' and tonumber(facts[2] or '0') < long_ago then
    how = 'orphaned'
  end
  answer[i] = { how, tonumber(facts[3] or '0') }
end
return answer
"""
)

REAP: Final = script(
    """
-- What nobody will ever ask for again: the oldest entries of a queue without workers, whose tasks have expired.
-- KEYS jobs; ARGV group at_most
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[3])) do
  if redis.call('EXISTS', prefix .. 'job:' .. entry[2][2]) == 0 then
    drop(KEYS[1], ARGV[2], entry[1])
  end
end
return { 'ok' }
"""
)

PROBE: Final = script(
    """
-- A Redis that is full, or a replica, answers every question and takes nothing. KEYS probe
redis.call('SET', KEYS[1], '', 'PX', 1000)
return { 'ok' }
"""
)

LAST_ID: Final = script(
    """
-- Where a reader of a stream must go on: the last id there ever was, so that a stream made anew is read from its start.
-- KEYS stream
if redis.call('EXISTS', KEYS[1]) == 0 then
  return { '0-0' }
end
local facts = redis.call('XINFO', 'STREAM', KEYS[1])
for i = 1, #facts, 2 do
  if facts[i] == 'last-generated-id' then
    return { facts[i + 1] }
  end
end
"""
)

FORGET: Final = script(
    """
-- A consumer that still has entries must stay: with it would go the record of who has them.
-- KEYS jobs; ARGV group consumer (empty: whoever has been silent for silent_ms) silent_ms
for _, facts in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[2])) do
  local consumer = {}
  for i = 1, #facts, 2 do
    consumer[facts[i]] = facts[i + 1]
  end
  local leaving = consumer.name == ARGV[3] or (ARGV[3] == '' and consumer.idle > tonumber(ARGV[4]))
  if leaving and consumer.pending == 0 then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[2], consumer.name)
  end
end
return { 'ok' }
"""
)
