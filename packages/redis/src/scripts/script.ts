import { createHash } from 'node:crypto'

/** A Lua script, and the digest under which Redis caches it. */
export interface Script {
  readonly name: string
  readonly text: string
  readonly sha1: string
}

/**
 * Lua that sets `now` to the time in epoch ms: of Redis, so that all processes of a fleet share one clock, or `ARGV[1]` for a meter
 * that was given a clock of its own.
 */
export const readNow = `
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
`

/** Creates a script. Redis calls the SHA-1 of the text its digest. */
export function createScript(name: string, text: string): Script {
  return { name, text, sha1: createHash('sha1').update(text).digest('hex') }
}
