import { createMeter, fileStore, type MeterOptions, type Store } from '@px-usage/core'
import { fakeClock } from '@px-usage/core/testing'
import type { Emulator } from 'px-emulator'

/** Days that `countDays()` closes. */
export const countedDays = ['2026-11-20', '2026-11-21', '2026-11-22'] as const
/** When they are closed. */
export const afterDays = Date.UTC(2026, 10, 23, 10)

const users = ['ann', 'bob', '=1+1', '@cid', '-7', 'Zoë, "the" user', '+49 30 1234']
const endpoints = [
  ['GET', '/v1/orders/:id'],
  ['POST', '/v1/orders'],
  ['GET', '/v1/reports'],
] as const

/**
 * Counts calls of three days in a folder or another store, with ids that a spreadsheet or a CSV may take for something else. Each day is closed, and sent
 * to the emulator unless the options say otherwise.
 */
export async function countDays(
  place: string | Store,
  { apiKey, productKey, url }: Emulator,
  options: Pick<MeterOptions, 'delivery' | 'dryRun'> = {},
): Promise<void> {
  const clock = fakeClock(`${countedDays[0]}T10:00:00Z`)
  const store = typeof place === 'string' ? fileStore({ dir: place }) : place
  const meter = createMeter({ apiKey, productKey, baseUrl: url, clock, store, startJitterMs: 0, ...options })
  for (const [at, day] of countedDays.entries()) {
    for (const [number, userId] of users.entries()) {
      // Not every user calls on every day.
      if ((at + number) % 4 === 3) continue
      for (const [which, [method, route]] of endpoints.entries()) {
        for (let call = 0; call < at + which + number; call++) {
          const identity = number % 3 === 0 ? { userId } : { userId, accountId: `account ${number % 2}` }
          meter.record({ identity, method, route, statusCode: call % 5 === 4 ? 500 : 200, aborted: false })
        }
      }
    }
    await clock.advance(Date.parse(day) + 34 * 3_600_000 - clock.now())
    await meter.flush()
  }
  await meter.close()
}
