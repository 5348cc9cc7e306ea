import { outboxScript } from './outbox-scripts.ts'
import { createScript, type Script } from './script.ts'

/*
 * The record of the lines that PX has.
 *
 *   sent        LIST  delivered lines that are not compressed yet, each as its day and its JSON
 *   sent:<day>  LIST  blocks of delivered lines, compressed
 *   sent-index  HASH  delivered: the number of delivered lines, as `counts` has it, at the last settlement that was recorded
 *                     packed: number of lines that left `sent`      <day>: bytes of its blocks      bytes: bytes of all blocks
 *                     incompleteUpTo: last day of which lines may be missing in the record
 */

const noteIncomplete = `
local function noteIncomplete(index, day)
  local known = redis.call('HGET', index, 'incompleteUpTo')
  if not known or known < day then redis.call('HSET', index, 'incompleteUpTo', day) end
end
`

/** Notes that lines up to today may be missing if some were delivered without being recorded: by an earlier version, or while nothing was kept. */
const noteUnrecorded = `${noteIncomplete}
local SENT, INDEX = KEYS[14], KEYS[15]
local function noteUnrecorded(today)
  local delivered = redis.call('HGET', COUNTS, 'delivered') or '0'
  if (redis.call('HGET', INDEX, 'delivered') or '0') == delivered then return end
  noteIncomplete(INDEX, today)
  redis.call('HSET', INDEX, 'delivered', delivered)
end
`

/**
 * Begins to record. KEYS[14], KEYS[15]: sent, sent-index. ARGV: now, process, today, `1` if Redis lost the record, TTL.
 */
export const beginRecord: Script = outboxScript(
  'beginRecord',
  `${noteUnrecorded}
noteUnrecorded(ARGV[3])
if ARGV[4] == '1' then noteIncomplete(INDEX, ARGV[3]) end
redis.call('EXPIRE', INDEX, ARGV[5])
return 'OK'
`,
)

/**
 * Records what became of claimed lines, all or none, and the delivered ones. That PX has a line, or refuses it, is true whichever process
 * reports it. A line that another process claimed meanwhile is otherwise left to that process.
 *
 * KEYS[14], KEYS[15]: sent, sent-index. ARGV: now, process, number of the operation, `1` to keep delivered lines, today, TTL, then each line
 * as id, state, wait and a rejection. Returns as `markLines`, and how many lines are not compressed yet.
 */
export const settleLines: Script = outboxScript(
  'settleLines',
  `${noteUnrecorded}
if isDone(ARGV[3]) then return {'OK', counts(), redis.call('LLEN', SENT)} end
for at = 7, #ARGV, 4 do
  if redis.call('HEXISTS', IDS, ARGV[at]) == 0 then return {'MISSING', ARGV[at]} end
end
local keeps = ARGV[4] == '1'
local recorded = 0
if keeps then noteUnrecorded(ARGV[5]) end
for at = 7, #ARGV, 4 do
  local id, to, wait, refusal = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2]), ARGV[at + 3]
  local place = redis.call('HGET', IDS, id)
  local state, attempts, attemptedAt, claimant = stateOf(place)
  local isOver = to == 'delivered' or to == 'rejected' or to == 'withdrawn'
  if isOver or claimant == me then
    if state == 'unconfirmed' then redis.call('HINCRBY', COUNTS, 'unconfirmed', -1) end
    redis.call('ZREM', READY, place)
    redis.call('ZREM', LATER, place)
    if isOver then
      redis.call('HINCRBY', COUNTS, 'open', -1)
      if to ~= 'withdrawn' then redis.call('HINCRBY', COUNTS, to, 1) end
      if to == 'rejected' then redis.call('RPUSH', REJECTED, redis.call('HGET', LINES, place) .. '\\n' .. refusal) end
      if to == 'delivered' and keeps then
        redis.call('RPUSH', SENT, string.match(place, '^[^|]*') .. redis.call('HGET', LINES, place))
        recorded = recorded + 1
      end
      redis.call('HDEL', LINES, place)
      redis.call('HDEL', STATE, place)
      redis.call('HDEL', IDS, id)
      redis.call('ZREM', ALL, place)
    else
      if to == 'unconfirmed' then redis.call('HINCRBY', COUNTS, 'unconfirmed', 1) end
      setState(place, to, attempts, attemptedAt, '')
      if wait > 0 then redis.call('ZADD', LATER, string.format('%.0f', now + wait), place)
      else redis.call('ZADD', READY, 0, place) end
    end
  end
end
redis.call('HSET', OPS, me, ARGV[3])
if recorded > 0 then
  redis.call('HINCRBY', INDEX, 'delivered', recorded)
  redis.call('EXPIRE', SENT, ARGV[6])
  redis.call('EXPIRE', INDEX, ARGV[6])
end
return {'OK', counts(), redis.call('LLEN', SENT)}
`,
)

/**
 * Replaces the oldest delivered lines by compressed blocks, in one step, so that a crash neither loses a line nor has it twice. It does
 * nothing if another process did so since the lines were read, and returns `CHANGED`; or `OTHER` if a failover lost the lines.
 *
 * KEYS: sent, sent-index, then the blocks of each day. ARGV: number of lines that left `sent` before, number of lines, the last of them,
 * TTL, then each day and its block.
 */
export const packSent: Script = createScript(
  'packSent',
  `
local number = tonumber(ARGV[2])
if (redis.call('HGET', KEYS[2], 'packed') or '0') ~= ARGV[1] then return 'CHANGED' end
if redis.call('LINDEX', KEYS[1], number - 1) ~= ARGV[3] then return 'OTHER' end
redis.call('LTRIM', KEYS[1], number, -1)
redis.call('HINCRBY', KEYS[2], 'packed', number)
for at = 5, #ARGV, 2 do
  local key = KEYS[(at + 1) / 2]
  redis.call('RPUSH', key, ARGV[at + 1])
  redis.call('EXPIRE', key, ARGV[4])
  redis.call('HINCRBY', KEYS[2], ARGV[at], #ARGV[at + 1])
  redis.call('HINCRBY', KEYS[2], 'bytes', #ARGV[at + 1])
end
return 'OK'
`,
)

/** Removes the delivered lines of a day, and notes that they are missing. KEYS: sent-index, blocks of the day. ARGV: day. */
export const dropSent: Script = createScript(
  'dropSent',
  `${noteIncomplete}
noteIncomplete(KEYS[1], ARGV[1])
local bytes = redis.call('HGET', KEYS[1], ARGV[1])
if bytes then redis.call('HINCRBY', KEYS[1], 'bytes', '-' .. bytes) end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('UNLINK', KEYS[2])
return 'OK'
`,
)
