import { memoryStore } from '@px-usage/core'
import { createPastDays } from '@px-usage/core/adapter'
import { expect, it } from 'vitest'
import { type Backfill, createLedger } from '../../../packages/cli/src/backfill/ledger.ts'
import { queueDays, sizeOf } from '../../../packages/cli/src/backfill/queue-days.ts'

it('an interrupted backfill continues without queueing a line for a second time', async () => {
  const past = createPastDays({ productKey: 'AP-X-2', onProblem() {} })
  for (let user = 0; user < 1_500; user++) {
    const identity = { userId: `u${user}` }
    past.record({ identity, method: 'GET', route: '/', statusCode: 200, aborted: false }, '2026-11-01')
  }
  const size = await sizeOf(past, '2026-11-01', { revision: 0, backfill: 'x' })
  expect(size).toEqual({ events: 3_000, calls: 1_500 })
  const store = memoryStore()
  await store.open(past.context)
  const ledger = createLedger(store)
  const day = { ...size, day: '2026-11-01', lines: 1, bytes: 1, checksum: 1, revision: 0, queued: 0 }
  const backfill: Backfill = { name: 'x', createdAtMs: 0, logs: [], days: [day] }
  let puts = 0
  const failing = {
    ...store,
    put(lines: Parameters<typeof store.put>[0]) {
      puts += 1
      return puts === 2 ? Promise.reject(new Error('disk full')) : store.put(lines)
    },
  }
  await expect(queueDays({ store: failing, ledger, past }, backfill, () => {})).rejects.toThrow('disk full')
  const stopped = queueDays({ store, ledger, past }, backfill, () => {}, AbortSignal.abort())
  await expect(stopped).rejects.toThrow('Run the same command again')
  let queued = 0
  await queueDays({ store, ledger, past }, backfill, (lines) => {
    queued += lines
  })
  expect(queued).toBe(1_000)
  expect(store.outboxCounts()).toMatchObject({ closed: 3_000, pending: 3_000 })
  expect((await ledger.list())[0]?.days[0]?.queued).toBe(3_000)
})
