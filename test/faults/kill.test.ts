import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { connections, countedIn, mostAtStake, serveAndEnd } from '../support/kill-run.ts'

/** Many more, and each after more load, by `npm run soak`. */
const kills = Number(process.env.SOAK_KILLS ?? 6)
const loadMs = process.env.SOAK_KILLS === undefined ? 400 : 1_200
/** A short run on a busy machine is half start-up, in which a timer can be late. */
const mostLostMs = process.env.SOAK_KILLS === undefined ? 300 : 100

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'px-usage-kill-'))
})
afterEach(() => rm(dir, { recursive: true }))

interface Losses {
  kills: number
  /** Of these, while writes were slow for a moment. */
  slowKills: number
  /** Where they were not. */
  maxLost: number
  medianLost: number
  /** As milliseconds of the traffic of its run. */
  maxLostMs: number
  sumLost: number
  overCounted: number
  requests: number
  perSecond: string
}

async function killMany(count: number, durability: string): Promise<Losses> {
  const losses: Losses = {
    kills: count,
    slowKills: 0,
    maxLost: 0,
    medianLost: 0,
    maxLostMs: 0,
    sumLost: 0,
    overCounted: 0,
    requests: 0,
    perSecond: '',
  }
  const rates: number[] = []
  const lostInTime: number[] = []
  let counted = 0
  for (let kill = 0; kill < count; kill++) {
    const { acknowledged, inFlight, requestsPerSecond, wasSlow } = await serveAndEnd(dir, {
      durability,
      loadMs: loadMs * (0.5 + Math.random()),
    })
    const now = await countedIn(dir)
    const lost = Math.max(0, acknowledged - (now - counted))
    if (wasSlow) losses.slowKills += 1
    else lostInTime.push(lost)
    losses.maxLostMs = Math.max(losses.maxLostMs, (lost / requestsPerSecond) * 1_000)
    losses.sumLost += lost
    losses.overCounted += Math.max(0, now - counted - acknowledged - inFlight)
    losses.requests += acknowledged
    rates.push(Math.round(requestsPerSecond))
    counted = now
  }
  lostInTime.sort((a, b) => a - b)
  losses.maxLost = lostInTime.at(-1) ?? 0
  losses.medianLost = lostInTime[lostInTime.length >> 1] ?? 0
  rates.sort((a, b) => a - b)
  losses.perSecond = `${rates[0]} to ${rates.at(-1)}, median ${rates[rates.length >> 1]}`
  console.log(`durability ${durability}: ${JSON.stringify(losses)}`)
  return losses
}

test('SIGKILL under load loses at most the calls of one turn or of 2 ms, and counts none twice', async () => {
  const { overCounted, maxLost, medianLost, maxLostMs, requests } = await killMany(kills, 'turn')
  expect(requests).toBeGreaterThan(100)
  expect(overCounted).toBe(0)
  expect(maxLost).toBeLessThanOrEqual(mostAtStake)
  expect(medianLost).toBeLessThanOrEqual(connections)
  // Where writes were slow for a moment, they came each 20 ms, on a machine that was slow as well.
  expect(maxLostMs).toBeLessThan(300)
}, 1_200_000)

test("SIGKILL with durability 'interval' loses at most 100 ms of traffic", async () => {
  const { overCounted, maxLostMs } = await killMany(Math.ceil(kills / 4), 'interval')
  expect(overCounted).toBe(0)
  expect(maxLostMs).toBeLessThan(mostLostMs)
}, 1_200_000)

test.each([
  ['process.exit() in the app', 'exit'],
  ['an uncaught exception in the app', 'throw'],
  ['a segfault in another addon', 'SIGSEGV'],
  ['an abort for lack of memory', 'memory'],
] as const)(
  '%s loses no more than SIGKILL',
  async (_, how) => {
    const { acknowledged, inFlight } = await serveAndEnd(dir, { loadMs: 200, how })
    const counted = await countedIn(dir)
    expect(counted).toBeGreaterThanOrEqual(acknowledged - mostAtStake)
    expect(counted).toBeLessThanOrEqual(acknowledged + inFlight)
  },
  60_000,
)
