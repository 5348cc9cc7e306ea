import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMeter } from '@px-usage/core'
import { redisStore } from '@px-usage/redis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { mostAtStake, serveAndEnd } from '../support/kill-run.ts'
import { connectClient } from '../support/redis-clients.ts'
import { hasRedis, type RedisServer, startRedis } from '../support/redis-server.ts'

/** Many more by `npm run soak`. */
const kills = Number(process.env.SOAK_KILLS ?? 9)

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'px-usage-dir-kills-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

/** Calls in Redis, after a process that starts in the folder now has sent what dead ones left there. */
async function countedIn(port: number): Promise<number> {
  const client = await connectClient('node-redis', { port })
  const store = redisStore({ dir, sendCommand: (args, key) => client.sendCommand(args, key) })
  const meter = createMeter({ dryRun: true, store })
  await meter.flush()
  const events = await meter.preview()
  await meter.close()
  await client.close()
  const daily = events.filter(({ eventName }) => eventName === 'dailyApiCalls')
  return daily.reduce((sum, { attributes }) => sum + Number(attributes.apiCalls), 0)
}

/** What happens to Redis while a process serves and is killed. */
const outages: Record<string, { begin(redis: RedisServer): unknown; end(redis: RedisServer): unknown }> = {
  works: { begin() {}, end() {} },
  'is stopped': { begin: (redis) => redis.pause(), end: (redis) => redis.resume() },
  'is killed and starts again': { begin: (redis) => redis.kill(), end: (redis) => redis.restart() },
}

describe.skipIf(!hasRedis())('a process with a dir that is killed under load', () => {
  it('loses at most one turn or 2 ms of calls, and none twice, whether Redis works or not', async () => {
    const redis = await startRedis()
    const lost: Record<string, number[]> = {}
    let counted = 0
    let requests = 0
    const cases = Object.entries(outages)
    for (let kill = 0; kill < kills; kill += cases.length) {
      for (const [name, { begin, end }] of cases) {
        await begin(redis)
        const loadMs = 300 * (0.5 + Math.random())
        const { acknowledged, inFlight, wasSlow } = await serveAndEnd(dir, { loadMs, redisPort: redis.port })
        await end(redis)
        const now = await countedIn(redis.port)
        expect(now - counted, `while Redis ${name}`).toBeLessThanOrEqual(acknowledged + inFlight)
        if (!wasSlow) lost[name] = [...(lost[name] ?? []), Math.max(0, acknowledged - (now - counted))]
        counted = now
        requests += acknowledged
      }
    }
    console.log(`lost of ${requests} requests, by kill: ${JSON.stringify(lost)}`)
    expect(requests).toBeGreaterThan(100)
    expect(Math.max(0, ...Object.values(lost).flat())).toBeLessThanOrEqual(mostAtStake)
    await redis.stop()
  }, 1_200_000)
})
