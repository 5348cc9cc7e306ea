import { createScript, readNow, type Script } from './script.ts'

/*
 * A line has a place, `day|rank|number`, whose alphabetical order is the order of sending.
 *
 *   lines   HASH  place -> JSON of the line           ready  ZSET  places that can be claimed now
 *   ids     HASH  JSON of the id -> place             later  ZSET  places that wait, by the time until when
 *   state   HASH  place -> state|attempts|at|claimant all    ZSET  all places
 *   counts  HASH  open, unconfirmed, delivered, rejected, number of the last place
 */

/** KEYS of each script of the outbox, in this order. */
export const outboxKeys = [
  'lines',
  'ids',
  'state',
  'ready',
  'later',
  'all',
  'counts',
  'known',
  'rejected',
  'incoming',
  'lead',
  'wants',
  'ops',
] as const

const shared = `${readNow}
local LINES, IDS, STATE, READY, LATER, ALL, COUNTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local KNOWN, REJECTED, INCOMING, LEAD, WANTS, OPS = KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12], KEYS[13]
local me = ARGV[2]

local function counts()
  local found = redis.call('HMGET', COUNTS, 'open', 'unconfirmed', 'delivered', 'rejected')
  for at = 1, 4 do found[at] = tonumber(found[at] or 0) end
  return found
end

local function stateOf(place)
  local state, attempts, at, claimant = string.match(redis.call('HGET', STATE, place) or 'pending|0||', '^(%a+)|(%d+)|([^|]*)|(.*)$')
  return state, tonumber(attempts), at, claimant
end

local function setState(place, state, attempts, at, claimant)
  redis.call('HSET', STATE, place, state .. '|' .. attempts .. '|' .. at .. '|' .. claimant)
end

-- A command whose reply was lost is sent again, and its first copy may be executed after later operations.
local function isDone(operation)
  return tonumber(redis.call('HGET', OPS, me) or 0) >= tonumber(operation)
end

local function addLine(item)
  local day, rank, id, json = string.match(item, '^([^|]*)|([^|]*)|([^\\n]*)\\n(.*)$')
  if redis.call('HEXISTS', IDS, id) == 1 then return false end
  local place = day .. '|' .. rank .. '|' .. string.format('%016.0f', redis.call('HINCRBY', COUNTS, 'last', 1))
  redis.call('HSET', LINES, place, json)
  redis.call('HSET', IDS, id, place)
  redis.call('ZADD', READY, 0, place)
  redis.call('ZADD', ALL, 0, place)
  return id
end

local function holdsLead(wish, lease)
  local lead = redis.call('HMGET', LEAD, 'id', 'until')
  local isMine = lead[1] == me
  local isFree = not lead[1] or tonumber(lead[2]) <= now
  if isMine or (isFree and wish ~= 'none') then
    if not isMine then redis.call('DEL', OPS) end
    redis.call('HSET', LEAD, 'id', me, 'until', string.format('%.0f', now + lease))
    redis.call('ZREM', WANTS, me)
    return true
  end
  if wish == 'send' then redis.call('ZADD', WANTS, now, me) end
  return false
end
`

/** Creates a script that has the keys of the outbox and these functions. */
export function outboxScript(name: string, text: string): Script {
  return createScript(name, shared + text)
}

/**
 * Takes or renews the lease of the process that closes days and sends. ARGV: now, process, wish for the lease (`send`, `take` or `none`), lease.
 * Returns 1 or 0, and the counts.
 */
export const holdLead: Script = outboxScript(
  'holdLead',
  `return {holdsLead(ARGV[3], tonumber(ARGV[4])) and 1 or 0, counts()}`,
)

/** Releases the lease if another process asked for it within the time of ARGV[3]. ARGV: now, process, ms. Returns 1 if it did. */
export const yieldLead: Script = outboxScript(
  'yieldLead',
  `
if redis.call('HGET', LEAD, 'id') ~= me then return 0 end
redis.call('ZREMRANGEBYSCORE', WANTS, '-inf', now - tonumber(ARGV[3]))
redis.call('ZREM', WANTS, me)
if redis.call('ZCARD', WANTS) == 0 then return 0 end
redis.call('DEL', LEAD)
return 1
`,
)

/** Adds lines that are not there and were not added lately. ARGV: now, process, number of ids to remember, lines. Returns the counts. */
export const putLines: Script = outboxScript(
  'putLines',
  `
for at = 4, #ARGV do
  local id = string.match(ARGV[at], '^[^|]*|[^|]*|([^\\n]*)\\n')
  if not redis.call('ZSCORE', KNOWN, id) and addLine(ARGV[at]) then
    redis.call('HINCRBY', COUNTS, 'open', 1)
    redis.call('ZADD', KNOWN, redis.call('HGET', COUNTS, 'last'), id)
  end
end
redis.call('ZREMRANGEBYRANK', KNOWN, 0, -1 - tonumber(ARGV[3]))
return counts()
`,
)

/**
 * Gives places to the next lines of a day that was closed. KEYS[14]: the list. ARGV: now, process, number of lines.
 * Returns how many lines of the list are left.
 */
export const loadLines: Script = outboxScript(
  'loadLines',
  `
local last = tonumber(ARGV[3]) - 1
for _, item in ipairs(redis.call('LRANGE', KEYS[14], 0, last)) do
  if not addLine(item) then redis.call('HINCRBY', COUNTS, 'open', -1) end
end
redis.call('LTRIM', KEYS[14], last + 1, -1)
local left = redis.call('LLEN', KEYS[14])
if left == 0 then redis.call('LREM', INCOMING, 0, KEYS[14]) end
return left
`,
)

/**
 * Claims the first lines that are due, for a process that holds the lease. A second call with the same number of the claim returns the
 * same lines, so that a reply that was lost delays none.
 *
 * ARGV: now, process, wish for the lease (`send`, `take` or `none`), lease, limit, duration of the claim, number of the claim.
 * Returns `OTHER`, `LOAD` and a list whose lines have no place yet, or `OK`; the counts; the time until the next line is due, or -1; and
 * the lines, each with its state, its attempts, and the time since the last one in ms or `''`.
 */
export const claimLines: Script = outboxScript(
  'claimLines',
  `
if not holdsLead(ARGV[3], tonumber(ARGV[4])) then return {'OTHER'} end
local incoming = redis.call('LINDEX', INCOMING, 0)
if incoming then return {'LOAD', incoming} end
local due = redis.call('ZRANGEBYSCORE', LATER, '-inf', now, 'LIMIT', 0, 500)
for _, place in ipairs(due) do
  redis.call('ZREM', LATER, place)
  redis.call('ZADD', READY, 0, place)
end
local claim = 'claim ' .. me
local number, again = string.match(redis.call('HGET', OPS, claim) or '', '^(%S*)(.*)$')
local places = {}
if number == ARGV[7] then
  for place in string.gmatch(again, '%S+') do
    local _, _, _, claimant = stateOf(place)
    if claimant == me and redis.call('ZSCORE', LATER, place) then places[#places + 1] = place end
  end
else
  places = redis.call('ZRANGE', READY, 0, tonumber(ARGV[5]) - 1)
end
local lines = {}
for _, place in ipairs(places) do
  local state, attempts, at = stateOf(place)
  setState(place, state, attempts, at, me)
  redis.call('ZREM', READY, place)
  redis.call('ZADD', LATER, string.format('%.0f', now + ARGV[6]), place)
  lines[#lines + 1] = {redis.call('HGET', LINES, place), state, attempts, at == '' and at or now - at}
end
redis.call('HSET', OPS, claim, ARGV[7] .. ' ' .. table.concat(places, ' '))
local first = redis.call('ZRANGE', LATER, 0, 0, 'WITHSCORES')
return {'OK', counts(), first[2] and math.max(tonumber(first[2]) - now, 0) or -1, lines}
`,
)

/**
 * Records attempts of claimed lines, all or none. ARGV: now, process, number of the operation, time since the attempt, duration of the claim, ids.
 * Returns `OK` and the counts, or `MISSING` and an id that this process did not claim.
 */
export const markLines: Script = outboxScript(
  'markLines',
  `
if isDone(ARGV[3]) then return {'OK', counts()} end
local places = {}
for at = 6, #ARGV do
  local place = redis.call('HGET', IDS, ARGV[at])
  if not place then return {'MISSING', ARGV[at]} end
  local _, _, _, claimant = stateOf(place)
  if claimant ~= me then return {'MISSING', ARGV[at]} end
  places[#places + 1] = place
end
for _, place in ipairs(places) do
  local state, attempts = stateOf(place)
  if state == 'pending' then redis.call('HINCRBY', COUNTS, 'unconfirmed', 1) end
  setState(place, 'unconfirmed', attempts + 1, string.format('%.0f', now - ARGV[4]), me)
  redis.call('ZREM', READY, place)
  redis.call('ZADD', LATER, string.format('%.0f', now + ARGV[5]), place)
end
redis.call('HSET', OPS, me, ARGV[3])
return {'OK', counts()}
`,
)

/** Releases the claims, the lease and the place of a process that ends. KEYS[14]: alive. ARGV: now, process, ids. */
export const leaveFleet: Script = outboxScript(
  'leaveFleet',
  `
for at = 3, #ARGV do
  local place = redis.call('HGET', IDS, ARGV[at])
  if place then
    local state, attempts, attemptedAt, claimant = stateOf(place)
    if claimant == me then
      setState(place, state, attempts, attemptedAt, '')
      redis.call('ZREM', LATER, place)
      redis.call('ZADD', READY, 0, place)
    end
  end
end
if redis.call('HGET', LEAD, 'id') == me then redis.call('DEL', LEAD) end
redis.call('ZREM', WANTS, me)
redis.call('ZREM', KEYS[14], me)
redis.call('HDEL', OPS, me, 'claim ' .. me)
return 'OK'
`,
)

/** Returns lines that wait, behind a place, with their states. ARGV: now, process, place or `''`, number. Each as place, JSON, state. */
export const readWaiting: Script = outboxScript(
  'readWaiting',
  `
local from = ARGV[3] == '' and '-' or '(' .. ARGV[3]
local found = {}
for _, place in ipairs(redis.call('ZRANGEBYLEX', ALL, from, '+', 'LIMIT', 0, tonumber(ARGV[4]))) do
  found[#found + 1] = {place, redis.call('HGET', LINES, place), (stateOf(place))}
end
return found
`,
)

/** Returns the counts. ARGV: now, process. */
export const readCounts: Script = outboxScript('readCounts', 'return counts()')
