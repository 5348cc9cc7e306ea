import { createScript, readNow, type Script } from './script.ts'

/**
 * Reserves a task for a process. KEYS: reserved tasks. ARGV: now, process, task, duration in ms, TTL. Returns 1, or 0 while another
 * process has it.
 */
export const reserveTask: Script = createScript(
  'reserveTask',
  `${readNow}
local by, untilMs = string.match(redis.call('HGET', KEYS[1], ARGV[3]) or '', '^(%S+) (%d+)$')
if by and by ~= ARGV[2] and tonumber(untilMs) > now then return 0 end
redis.call('HSET', KEYS[1], ARGV[3], ARGV[2] .. ' ' .. string.format('%.0f', now + ARGV[4]))
redis.call('EXPIRE', KEYS[1], ARGV[5])
return 1
`,
)
