/**
 * Counts a request: KEYS bucket, set of requests under way; ARGV requests a minute, requests under way, name of this
 * request, milliseconds after which it counts no more. Answers why not (0 entered, 1 concurrency, 2 rate) and
 * milliseconds to wait. By the server's clock, the only one that replicas share.
 */
export const ENTER = `
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
local rate = tonumber(ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[2]) then return {1, 1000} end
local known = redis.call('HMGET', KEYS[1], 'left', 'at')
local left = tonumber(known[1]) or rate
local at = tonumber(known[2]) or now
left = math.min(rate, left + math.max(0, now - at) / 60000 * rate)
local wait = 0
if left < 1 then wait = math.ceil((1 - left) / rate * 60000) else left = left - 1 end
redis.call('HSET', KEYS[1], 'left', string.format('%.6f', left), 'at', now)
redis.call('PEXPIRE', KEYS[1], 120000)
if wait > 0 then return {2, wait} end
redis.call('ZADD', KEYS[2], now + tonumber(ARGV[4]), ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return {0, 0}
`

/**
 * Takes an amount where it fits: KEYS what was spent; ARGV amount, limit, milliseconds to keep. Amounts are decimal
 * strings below 2^63: Lua's own numbers would round them.
 */
export const RESERVE = `
local spent = redis.call('INCRBY', KEYS[1], ARGV[1])
local text = redis.call('GET', KEYS[1])
if #text > #ARGV[2] or (#text == #ARGV[2] and text > ARGV[2]) then
  redis.call('DECRBY', KEYS[1], ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  return 0
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
`

/** Gives an amount back: KEYS what was spent; ARGV amount. Never below nothing, and nothing where it was forgotten. */
export const GIVE_BACK = `
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if redis.call('DECRBY', KEYS[1], ARGV[1]) < 0 then redis.call('SET', KEYS[1], '0', 'KEEPTTL') end
return 1
`

/** Ends what a replica does alone, if it still does: KEYS its name; ARGV who does it. */
export const LEAVE = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`
