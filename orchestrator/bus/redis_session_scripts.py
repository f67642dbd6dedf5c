"""Every change of a session in Redis that must happen in one step or not at all.

The fence is `owner`, a name of its own for every opening: whoever saves under another name is told that the session is
lost. `epoch` counts the openings, for whoever looks at it from outside.
"""

from __future__ import annotations

from typing import Final

from orchestrator.bus.redis_lua import script

__all__ = ["CLOSE", "OPEN", "RENEW_SESSIONS", "SAVE"]

OPEN: Final = script(
    """
-- KEYS session said; ARGV owner holder lease_ms keep_ms take_over
local session, said = KEYS[1], KEYS[2]
local owner, holder, lease, keep = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local now = now_ms()
local held = redis.call('HMGET', session, 'owner', 'until', 'holder')
local free = not held[1] or held[1] == '' or held[1] == owner
if not free and ARGV[6] == '' and tonumber(held[2]) > now then
  return { 'owned', tonumber(held[2]) - now, held[2], held[3] }
end
if held[1] ~= owner then
  redis.call('HINCRBY', session, 'epoch', 1)
end
redis.call('HSET', session, 'owner', owner, 'holder', holder, 'until', now + lease)
redis.call('PEXPIRE', session, keep)
redis.call('PEXPIRE', said, keep)
local kept = redis.call('HMGET', session, 'state', 'at')
return { 'yours', kept[1] or '', kept[2] and now - tonumber(kept[2]) or 0, redis.call('LRANGE', said, 0, -1) }
"""
)

SAVE: Final = script(
    """
-- A session that Redis has lost is made anew by its owner. `base` 0 brings the whole conversation.
-- KEYS session said; ARGV owner holder lease_ms keep_ms answer_ms base revision state count, then so many batches, then
-- the delegations that have ended
local session, said = KEYS[1], KEYS[2]
local owner, holder, lease, keep, answer = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6]
local base, revision, state, batches = tonumber(ARGV[7]), ARGV[8], ARGV[9], tonumber(ARGV[10])
local held = redis.call('HMGET', session, 'owner', 'revision')
if held[1] and held[1] ~= owner then
  return { 'lost' }
end
local there = tonumber(held[2] or 0)
if there > 0 and redis.call('EXISTS', said) == 0 then
  there = 0
end
if base ~= 0 and base ~= there then
  return { 'apart', there }
end
if base == 0 then
  redis.call('DEL', said)
end
for i = 11, 10 + batches do
  redis.call('RPUSH', said, ARGV[i])
end
local now = now_ms()
redis.call('HSET', session, 'owner', owner, 'holder', holder, 'until', now + lease, 'state', state, 'at', now,
  'revision', revision)
redis.call('PEXPIRE', session, keep)
redis.call('PEXPIRE', said, keep)
-- The session knows these answers now: from here on they need not wait for it.
local reply = { 'saved' }
for i = 11 + batches, #ARGV do
  local job = prefix .. 'job:' .. ARGV[i]
  local task = load(job)
  if not task.state or over(task) then
    reply[#reply + 1] = ARGV[i]
    for _, name in ipairs({ 'job:', 'log:', 'orders:', 'steps:' }) do
      local key = prefix .. name .. ARGV[i]
      if redis.call('PTTL', key) > tonumber(answer) then
        redis.call('PEXPIRE', key, answer)
      end
    end
  end
end
return reply
"""
)

RENEW_SESSIONS: Final = script(
    """
-- For those that have nothing to save. KEYS session and said of each; ARGV lease_ms keep_ms, then the owner of each
local answer = {}
local now = now_ms()
for i = 1, #KEYS / 2 do
  local session, owner = KEYS[2 * i - 1], ARGV[3 + i]
  local held = redis.call('HGET', session, 'owner')
  if held == owner then
    redis.call('HSET', session, 'until', now + tonumber(ARGV[2]))
    redis.call('PEXPIRE', session, ARGV[3])
    redis.call('PEXPIRE', KEYS[2 * i], ARGV[3])
  end
  answer[i] = held == owner and 'yours' or held and 'lost' or 'gone'
end
return answer
"""
)

CLOSE: Final = script(
    """
-- The lease is given up; what was saved stays. KEYS session; ARGV owner
if redis.call('HGET', KEYS[1], 'owner') == ARGV[2] then
  redis.call('HSET', KEYS[1], 'owner', '', 'holder', '', 'until', 0)
end
return { 'ok' }
"""
)
