import { createScript, type Script } from './script.ts'

/**
 * Adds the increments of one frame once.
 *
 * KEYS: last sequence of the producer, counts of the day, open days, generations, instruments.
 * ARGV: sequence, seconds until the keys expire, day, number of instruments, then each instrument (digest, JSON), then each increment
 * (`i`, field, value) or reading (`l`, field, value, epoch ms).
 *
 * Returns `OK`, `DUP` for a sequence that was added before, or `GAP` if an earlier one is missing; and the last sequence. HINCRBY
 * refuses a number that is not whole or too large, and Lua then adds the doubles, as JavaScript would.
 */
export const applyFrame: Script = createScript(
  'applyFrame',
  `
local last = tonumber(redis.call('GET', KEYS[1]) or 0)
local sequence = tonumber(ARGV[1])
if sequence <= last then return {'DUP', last} end
if sequence ~= last + 1 then return {'GAP', last} end
local ttl, day = ARGV[2], ARGV[3]
local at = 5
for _ = 1, tonumber(ARGV[4]) do
  redis.call('HSETNX', KEYS[5], ARGV[at], ARGV[at + 1])
  at = at + 2
end
while at <= #ARGV do
  local field, value = ARGV[at + 1], ARGV[at + 2]
  if ARGV[at] == 'i' then
    local added = redis.pcall('HINCRBY', KEYS[2], field, value)
    if type(added) == 'table' and added.err then
      local sum = tonumber(redis.call('HGET', KEYS[2], field) or 0) + tonumber(value)
      redis.call('HSET', KEYS[2], field, string.format('%.17g', sum))
    end
    at = at + 3
  else
    local before = redis.call('HGET', KEYS[2], field)
    local readAt = before and tonumber(string.match(before, ' (.+)$'))
    if not readAt or tonumber(ARGV[at + 3]) >= readAt then
      redis.call('HSET', KEYS[2], field, value .. ' ' .. ARGV[at + 3])
    end
    at = at + 4
  end
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ttl)
redis.call('SADD', KEYS[3], day)
redis.call('HSETNX', KEYS[4], day, 0)
for at = 2, 5 do redis.call('EXPIRE', KEYS[at], ttl) end
return {'OK', sequence}
`,
)

/**
 * Sets the counts of a day aside as its next generation, in one step: a frame that comes at the same time is in this generation or
 * starts the next one. A second call with the same expectation changes nothing.
 *
 * KEYS: counts of the day, generations, the next generation. ARGV: day, generation before. Returns the generation now.
 */
export const sealShard: Script = createScript(
  'sealShard',
  `
local generation = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or 0)
if generation ~= tonumber(ARGV[2]) or redis.call('EXISTS', KEYS[1]) == 0 then return generation end
redis.call('RENAME', KEYS[1], KEYS[3])
redis.call('HSET', KEYS[2], ARGV[1], generation + 1)
return generation + 1
`,
)

/** Returns each day of a shard that has, or had, counts: day, generation. KEYS: open days, generations. */
export const listDays: Script = createScript(
  'listDays',
  `
local found = {}
for _, day in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  found[#found + 1] = {day, tonumber(redis.call('HGET', KEYS[2], day) or 0)}
end
return found
`,
)

/**
 * Removes a generation that a closed day contains, and the day from the open days if it has no further counts. Generations older
 * than the last day to keep are forgotten.
 *
 * KEYS: counts of the day, open days, generations, the generations to remove. ARGV: day, last contained generation, oldest day to keep.
 */
export const dropSealed: Script = createScript(
  'dropSealed',
  `
for at = 4, #KEYS do redis.call('UNLINK', KEYS[at]) end
local generation = tonumber(redis.call('HGET', KEYS[3], ARGV[1]) or 0)
if generation <= tonumber(ARGV[2]) and redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('SREM', KEYS[2], ARGV[1])
end
for _, day in ipairs(redis.call('HKEYS', KEYS[3])) do
  if day < ARGV[3] then redis.call('HDEL', KEYS[3], day) end
end
return 'OK'
`,
)
