import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMeter, fileStore, memoryStore } from '@px-usage/core'
import { fakeClock, inMemoryDelivery } from '@px-usage/core/testing'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'

const hourMs = 3_600_000
const call = { method: 'GET', route: '/x', statusCode: 200, aborted: false }
let dir: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'px-usage-clock-'))
  vi.spyOn(process, 'emitWarning').mockReturnValue()
})
afterEach(() => {
  rmSync(dir, { recursive: true, force: true })
  vi.restoreAllMocks()
})

it.each(['file', 'memory'])(
  'a machine that starts in 1970 sends no event of 1970, and no call is lost (%s store)',
  async (kind) => {
    const clock = fakeClock(0)
    const px = inMemoryDelivery()
    const store = kind === 'file' ? fileStore({ dir }) : memoryStore()
    const meter = createMeter({
      clock,
      delivery: px.delivery,
      store,
      startJitterMs: 0,
      zeroFill: { days: 7 },
      identifyTimeoutMs: 60_000,
    })
    const count = (userId: string) => meter.record({ ...call, identity: { userId } })
    let attribute: (identity: { userId: string }) => void = () => {}
    const late = new Promise<{ userId: string }>((resolve) => {
      attribute = resolve
    })
    await clock.advance(1_000)
    for (let times = 0; times < 3; times++) count('ann')
    meter.record({ ...call, identity: late })
    await clock.advance(30_000)
    expect(meter.stats().calls).toMatchObject({ counted: 3, inMemory: 3, stored: 0 })
    // The time service sets the clock.
    clock.step(Date.parse('2026-11-23T10:00:00Z') - clock.now())
    attribute({ userId: 'ann' })
    count('ann')
    await clock.advance(5_000)
    count('bob')
    await meter.flush()
    expect(meter.stats().calls).toMatchObject({ counted: 6, inMemory: 0 })
    for (let hour = 0; hour < 50; hour++) {
      await clock.advance(hourMs)
      await meter.flush()
    }
    const totals = px.events
      .filter(({ eventName, attributes }) => eventName === 'dailyApiCalls' && attributes.apiCalls !== 0)
      .map(({ identifyId, attributes }) => `${attributes.day} ${identifyId} ${attributes.apiCalls}`)
    expect(totals.sort()).toEqual(['2026-11-23 ann 5', '2026-11-23 bob 1'])
    expect(px.events.filter(({ date }) => date < Date.UTC(2026, 0))).toEqual([])
    expect(process.emitWarning).toHaveBeenCalledWith(
      expect.stringContaining('shows 1970-01-01, which cannot be right'),
      expect.objectContaining({ code: 'PXU_WRN_DAY_CLOCK_UNSET' }),
    )
    await meter.close()
  },
)
