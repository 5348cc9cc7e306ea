import { memoryStore } from '@px-usage/core'
import { fakeClock } from '@px-usage/core/testing'
import { expect, it } from 'vitest'
import { createDuplicates } from '../../../packages/core/src/delivery/duplicates.ts'
import { createUnconfirmed } from '../../../packages/core/src/delivery/unconfirmed.ts'
import { createDiagnostics } from '../../../packages/core/src/diagnostics.ts'
import type { ClaimedLine } from '../../../packages/core/src/model/outbox-line.ts'
import { eventLine } from '../../support/px-sender.ts'

const hour = 3_600_000

function unconfirmedLine(id: string, attemptedAtMs: number): ClaimedLine {
  return { ...eventLine(id), state: 'unconfirmed', attempts: 1, attemptedAtMs }
}

async function setUp(failure: string | undefined = 'PX returned 500.') {
  const clock = fakeClock('2026-11-24T00:15:00Z')
  const diagnostics = createDiagnostics()
  const store = memoryStore()
  await store.open({ clock, diagnostics, timeZone: 'UTC' })
  let asked = 0
  const duplicates = createDuplicates(store)
  const unconfirmed = createUnconfirmed({
    store,
    duplicates,
    clock,
    network: clock,
    diagnostics,
    lookUpAfterMs: 900_000,
    async lookUp() {
      asked += 1
      if (failure === undefined) throw new Error('a bug')
      return { found: new Map(), absent: new Set(), failure: { kind: 'failed', reason: failure } }
    },
  })
  return { clock, unconfirmed, duplicates, asked: () => asked }
}

it('a waiting line is due later than now, also on a clock with fractions of a millisecond', async () => {
  const { clock, unconfirmed } = await setUp()
  const line = unconfirmedLine('a', clock.now() - hour)
  await unconfirmed.lookUp([line], false)
  await clock.advance(60_000 - 0.00001)
  const { settlements } = await unconfirmed.lookUp([line], false)
  expect(settlements).toHaveLength(1)
  expect((settlements[0] as { waitMs: number }).waitMs).toBeGreaterThanOrEqual(1)
})

it('while look-ups fail, one is made for all, less and less often, to once an hour', async () => {
  const { clock, unconfirmed, asked } = await setUp()
  const lines = Array.from({ length: 3 }, (_, index) => unconfirmedLine(`line-${index}`, clock.now() - hour))
  for (let passed = 0; passed < 12 * hour; passed += 60_000) {
    for (const line of lines) {
      const { sendAnyway } = await unconfirmed.lookUp([line], false)
      expect(sendAnyway).toEqual([])
    }
    await clock.advance(60_000)
  }
  expect(asked()).toBeGreaterThan(12)
  expect(asked()).toBeLessThan(20)
})

it('a look-up that throws proves nothing', async () => {
  const { unconfirmed } = await setUp(undefined)
  const { settlements, sendAnyway } = await unconfirmed.lookUp([unconfirmedLine('a', 0)], false)
  expect(sendAnyway).toEqual([])
  expect(settlements).toMatchObject([{ id: 'a', state: 'unconfirmed' }])
  expect((settlements[0] as { waitMs: number }).waitMs).toBeGreaterThan(0)
})

it('a line attempted in the future (the clock was set back) waits no longer than any other', async () => {
  const { clock, unconfirmed } = await setUp()
  const { settlements } = await unconfirmed.lookUp([unconfirmedLine('a', clock.now() + 48 * hour)], false)
  expect(settlements).toEqual([{ id: 'a', state: 'unconfirmed', waitMs: 900_000 }])
})

it('an attribute is sent again without a look: set twice it is the same', async () => {
  const { unconfirmed, duplicates, asked } = await setUp()
  const line: ClaimedLine = { ...unconfirmedLine('a', 0), kind: 'user' }
  expect(await unconfirmed.lookUp([line], false)).toMatchObject({ settlements: [], sendAnyway: [line] })
  await unconfirmed.beforeResend([line])
  expect([asked(), duplicates.possible()]).toEqual([0, 0])
})
