import { createScript, readNow, type Script } from './script.ts'

/** The format of keys and values that this version writes. */
export const keyFormat = 1

/**
 * Registers a process, at its start: KEYS: meta, alive. ARGV: now, process, shards, epoch, TTL. Returns shards, epoch and format. The first
 * process of a namespace decides. It changes nothing where a newer version has written.
 */
export const joinFleet: Script = createScript(
  'joinFleet',
  `${readNow}
if tonumber(redis.call('HGET', KEYS[1], 'format') or 0) <= ${keyFormat} then
  redis.call('HSETNX', KEYS[1], 'shards', ARGV[3])
  redis.call('HSETNX', KEYS[1], 'epoch', ARGV[4])
  redis.call('HSETNX', KEYS[1], 'format', ${keyFormat})
  redis.call('ZADD', KEYS[2], now, ARGV[2])
  for at = 1, 2 do redis.call('EXPIRE', KEYS[at], ARGV[5]) end
end
return redis.call('HMGET', KEYS[1], 'shards', 'epoch', 'format')
`,
)

/**
 * Shows that a process is alive, and renews its lease. KEYS: alive, lead, meta, then the keys whose expiry is postponed.
 * ARGV: now, process, lease, TTL. Returns the epoch, or nothing if Redis lost it, and how many processes showed it in the last minute.
 */
export const beat: Script = createScript(
  'beat',
  `${readNow}
redis.call('ZADD', KEYS[1], now, ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 86400000)
if redis.call('HGET', KEYS[2], 'id') == ARGV[2] then redis.call('HSET', KEYS[2], 'until', now + ARGV[3]) end
for at = 1, #KEYS do redis.call('EXPIRE', KEYS[at], ARGV[4]) end
return {redis.call('HGET', KEYS[3], 'epoch') or '', redis.call('ZCOUNT', KEYS[1], now - 60000, '+inf')}
`,
)

/** Notes that a process counts on a day, or is done with it. KEYS: writers of the day. ARGV: process, state, TTL. */
export const noteWriter: Script = createScript(
  'noteWriter',
  `
if ARGV[2] == 'open' then redis.call('HSETNX', KEYS[1], ARGV[1], 'open')
else redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 'OK'
`,
)

/**
 * Returns how the close of a day is going: the time, its record, and each writer as id, state and time of its last beat.
 * KEYS: closed days, writers of the day, alive. ARGV: now, day.
 */
export const readClosing: Script = createScript(
  'readClosing',
  `${readNow}
local found = {now, redis.call('HGET', KEYS[1], ARGV[2]) or ''}
local writers = redis.call('HGETALL', KEYS[2])
for at = 1, #writers, 2 do
  found[#found + 1] = {writers[at], writers[at + 1], redis.call('ZSCORE', KEYS[3], writers[at]) or ''}
end
return found
`,
)

/** Appends lines to those of a day that is being closed, once. KEYS: staged lines. ARGV: lines before, TTL, lines. */
export const stageLines: Script = createScript(
  'stageLines',
  `
local has = redis.call('LLEN', KEYS[1])
if has == tonumber(ARGV[1]) then
  redis.call('RPUSH', KEYS[1], unpack(ARGV, 3))
  redis.call('EXPIRE', KEYS[1], ARGV[2])
  return has + #ARGV - 2
end
return has
`,
)

/**
 * Closes a day, in one step: its staged lines become part of the outbox. Only the process that holds the lease may do so, and only
 * if no other process closed the day since its record was read.
 *
 * KEYS: lead, closed days, staged lines, incoming lists, the list of this close, counts, generations of the first shard.
 * ARGV: now, process, day, record before, record after, number of lines, oldest day to keep, TTL, generation of the first shard.
 * Returns `OK`, or `LOST`, also if a failover lost that the counts were set aside.
 */
export const commitDay: Script = createScript(
  'commitDay',
  `${readNow}
local record = redis.call('HGET', KEYS[2], ARGV[3]) or ''
if record == ARGV[5] then return 'OK' end
local lead = redis.call('HMGET', KEYS[1], 'id', 'until')
if record ~= ARGV[4] or lead[1] ~= ARGV[2] or tonumber(lead[2]) < now then return 'LOST' end
if tonumber(redis.call('HGET', KEYS[7], ARGV[3]) or 0) ~= tonumber(ARGV[9]) then return 'LOST' end
local lines = tonumber(ARGV[6])
if redis.call('LLEN', KEYS[3]) ~= lines then return 'LOST' end
redis.call('HSET', KEYS[2], ARGV[3], ARGV[5])
if lines > 0 then
  redis.call('RENAME', KEYS[3], KEYS[5])
  redis.call('EXPIRE', KEYS[5], ARGV[8])
  redis.call('RPUSH', KEYS[4], KEYS[5])
  redis.call('HINCRBY', KEYS[6], 'open', lines)
end
for _, day in ipairs(redis.call('HKEYS', KEYS[2])) do
  if day < ARGV[7] then redis.call('HDEL', KEYS[2], day) end
end
for _, at in ipairs({2, 4, 6}) do redis.call('EXPIRE', KEYS[at], ARGV[8]) end
return 'OK'
`,
)

/**
 * Returns whether a process counts in a namespace, whether it has days with counts, and how many lines wait in it. A process that only
 * sends what earlier ones left does not count. KEYS: alive, counts. ARGV: now, ms of silence.
 */
export const readNamespace: Script = createScript(
  'readNamespace',
  `${readNow}
local isAlive = 0
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], now - tonumber(ARGV[2]), '+inf')) do
  if string.sub(id, 1, 9) ~= 'leftover-' then isAlive = 1 end
end
return {isAlive, tonumber(redis.call('HGET', KEYS[2], 'open') or 0)}
`,
)

/**
 * Reserves the journal of a dead process, so that one process takes it over. KEYS: its holder. ARGV: holder, ms, a holder that is dead.
 * Returns the holder.
 */
export const holdJournal: Script = createScript(
  'holdJournal',
  `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] and holder ~= ARGV[3] then return holder end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
`,
)
