import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMeter, fileStore } from '@px-usage/core'
import { fakeClock } from '@px-usage/core/testing'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'

/** Ten million by `npm run soak`. */
const users = Number(process.env.SOAK_USERS ?? 200_000)
/** So that there are as many times more of them than fit as in the long run, in which the limit is the default of 200,000. */
const limit = users / 50
const rounds = 24 * 60

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'px-usage-distinct-'))
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
})
afterEach(async () => {
  vi.restoreAllMocks()
  await rm(dir, { recursive: true })
})

it('ten million distinct users in a day fold at the limit, with an exact total and flat memory', async () => {
  const store = fileStore({ dir })
  const clock = fakeClock('2026-11-23T00:00:00Z')
  const meter = createMeter({ store, clock, dryRun: true, limits: { series: limit, users: limit } })
  await meter.flush()
  const startBytes = process.memoryUsage().rss
  let mostBytes = 0
  let user = 0
  for (let round = 1; round < rounds; round++) {
    for (; user < (users * round) / (rounds - 1); user++) {
      meter.record({
        identity: { userId: `user ${user}`, accountId: `account ${user % 100}` },
        method: 'GET',
        route: '/',
        statusCode: 200,
        aborted: false,
      })
    }
    await clock.advance(60_000)
    if (round % 10 === 0) mostBytes = Math.max(mostBytes, process.memoryUsage().rss)
  }
  const { counted, inMemory, stored, folded } = meter.stats().calls
  expect({ counted, inMemory, stored }).toEqual({ counted: users, inMemory: 0, stored: users })
  expect(folded.users).toBeGreaterThan(users / 2)
  const seen = new Map<string, number>()
  let series = 0
  for await (const { series: of, values } of store.totals('2026-11-23')) {
    const account = String(of.identity.accountId)
    seen.set(account, (seen.get(account) ?? 0) + (values[0] ?? 0))
    series += 1
  }
  const accounts = Array.from({ length: 100 }, (_, account) => [`account ${account}`, users / 100] as const)
  expect(seen).toEqual(new Map(accounts))
  expect(series).toBeLessThan(5 * limit + 200)
  const moreMb = (mostBytes - startBytes) / 2 ** 20
  console.log(
    `${users} users: ${series} series, ${folded.users} calls folded, ${moreMb.toFixed(0)} MB more at most`,
  )
  expect(moreMb).toBeLessThan(500)
  await meter.close()
}, 600_000)
