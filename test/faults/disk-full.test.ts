import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMeter, type UsageError } from '@px-usage/core'
import { fakeClock } from '@px-usage/core/testing'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { fileStoreOn } from '../../packages/core/src/store/file-store.ts'
import { diskWith, errno } from '../support/failing-disk.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'px-usage-full-'))
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
})
afterEach(async () => {
  vi.restoreAllMocks()
  await rm(dir, { recursive: true })
})

test('scenario 16: ENOSPC for ever and more endpoints than the limit: details fold, the total is right, and it is told', async () => {
  let isFull = true
  const disk = diskWith((call, [path]) => {
    if (!isFull) return
    if (call === 'writeSync' || (call === 'openSync' && String(path).includes('journals')))
      throw errno('ENOSPC')
  })
  isFull = false
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const errors: UsageError[] = []
  const meter = createMeter({
    store: fileStoreOn(disk, { dir }),
    clock,
    dryRun: true,
    limits: { series: 50 },
    onError: (error) => void errors.push(error),
  })
  await meter.flush()
  isFull = true
  for (let call = 0; call < 1_000; call++) {
    meter.record({
      identity: { userId: `user ${call % 5}` },
      method: 'GET',
      route: `/r/${call}`,
      statusCode: 200,
      aborted: false,
    })
    if (call % 100 === 0) await clock.advance(60_000)
  }
  expect(meter.stats().calls).toMatchObject({ counted: 1_000, inMemory: 1_000, stored: 0 })
  expect(meter.stats().calls.folded.endpoints).toBeGreaterThan(900)
  expect(errors.map(({ code }) => code)).toContain('PXU_ERR_STORE_UNAVAILABLE')
  expect(errors.some(({ message }) => message.includes('ENOSPC'))).toBe(true)
  isFull = false
  await clock.advance(60_000)
  await meter.flush()
  expect(meter.stats().calls).toMatchObject({ counted: 1_000, inMemory: 0, stored: 1_000 })
  const totals = (await meter.preview()).filter(({ eventName }) => eventName === 'dailyApiCalls')
  expect(totals.map(({ attributes }) => attributes.apiCalls)).toEqual([200, 200, 200, 200, 200])
  await meter.close()
})
