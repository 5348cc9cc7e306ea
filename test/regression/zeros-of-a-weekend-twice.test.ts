import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createUsageDays } from '../../packages/core/src/day/usage-day.ts'
import { createZeroFill } from '../../packages/core/src/day/zero-fill.ts'
import { line } from '../support/count-batch.ts'
import { diskOf } from '../support/store-folder.ts'

const folder = diskOf(beforeEach, afterEach)
const [friday, saturday, sunday] = ['2026-11-20', '2026-11-21', '2026-11-22'] as const

/*
 * On a day without calls, each process of a host put all zeros into the outbox, and the process that sends knew the copies by their ids.
 * It knows the last 10,000 ids, so with more users than that most of them had two events.
 */
describe('a day without calls that several processes of a host end', () => {
  it('has one zero for each of 11,000 users', { timeout: 60_000 }, async () => {
    const usageDays = createUsageDays('UTC')
    let today: string = friday
    const processes = []
    for (let number = 0; number < 2; number++) {
      const store = await folder.open()
      const zeroFill = createZeroFill({
        ...{ days: 2, maxIdentities: 100_000, namespace: 'AP-1', usageDays, store },
        rollups: [{ eventName: 'dailyApiCalls', by: 'identity' }],
        today: () => today,
        isDue: (day) => day < today,
        toLine: ({ rollupId, day }) => line(rollupId, day),
      })
      processes.push({ store, zeroFill })
    }
    const [sending, other] = processes as [(typeof processes)[0], (typeof processes)[0]]
    expect(await sending.store.isSender()).toBe(true)
    const seen = sending.zeroFill.addition(friday)
    for (let user = 0; user < 11_000; user++) {
      const common = { day: friday, measures: { apiCalls: 1 }, revision: 0, calls: 1, rank: 'total' } as const
      const identity = { userId: `user ${user}` }
      const names = { eventName: 'dailyApiCalls', rollupId: '', endpoint: undefined }
      seen.see({ ...common, ...names, identity, properties: {} })
    }
    for await (const _ of seen.lines());
    today = saturday
    for (const { zeroFill } of processes) await zeroFill.fillEmptyDays()
    today = sunday
    await Promise.all(processes.map(({ zeroFill }) => zeroFill.fillEmptyDays()))
    await other.zeroFill.fillEmptyDays()
    await sending.store.claim(1)
    expect(sending.store.outboxCounts()).toMatchObject({ pending: 11_000 })
  })
})
