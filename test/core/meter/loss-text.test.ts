import { expect, it } from 'vitest'
import { type Loss, lossText } from '../../../packages/core/src/meter/loss-text.ts'

const loss: Loss = {
  calls: 0,
  lines: 0,
  unidentified: 0,
  store: { name: 'memory', durable: false },
  storeError: undefined,
  pxReason: undefined,
  timeoutMs: undefined,
  waiting: { calls: 0, days: [] },
  openDays: [],
}

it('says what was lost, of which days, why, and how to keep it the next time', () => {
  const text = lossText({
    ...loss,
    calls: 2,
    lines: 1,
    waiting: { calls: 3, days: ['2026-11-22'] },
    openDays: ['2026-11-23', '2026-11-22'],
    pxReason: 'PX refuses the key.',
    timeoutMs: 5_000,
  })
  expect(text).toMatch(/^px-usage lost 5 calls \(1 event\) of 2026-11-22 and 2026-11-23 at shutdown: /)
  expect(text).toContain('PX refuses the key; the 5000 ms of close()')
  expect(text).toContain('Use fileStore()')
})

it('names calls without an identity, and the error of the disk instead of that of the store', () => {
  const storeError = new Error('The store failed.', { cause: new Error('ENOSPC: no space left.') })
  const store = { name: 'file', durable: true }
  const text = lossText({ ...loss, calls: 1, unidentified: 1, store, storeError })
  expect(text).toContain('lost 1 call at shutdown: 1 call waited for identify()')
  expect(text).toContain('(ENOSPC: no space left)')
  expect(text).toContain('Check the folder')
})
