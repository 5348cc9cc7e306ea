import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createMeter, fileStore } from '@px-usage/core'
import { fakeClock, inMemoryDelivery } from '@px-usage/core/testing'
import { expect, test } from 'vitest'

const call = { method: 'GET', route: '/', statusCode: 200, aborted: false }

test.each(['', 'journals', 'outbox', 'leader', 'notes', 'journals/2026-03-08'])(
  'a file in place of the folder %j keeps counts in memory until it is removed, and no longer',
  async (name) => {
    const base = fs.mkdtempSync(join(tmpdir(), 'px-usage-'))
    const dir = join(base, 'usage')
    const path = join(dir, name)
    fs.mkdirSync(dirname(path), { recursive: true })
    fs.writeFileSync(path, '')
    const clock = fakeClock('2026-03-08T10:00:00Z')
    const px = inMemoryDelivery()
    const meter = createMeter({
      ...{ clock, delivery: px.delivery, store: fileStore({ dir }), timeZone: 'UTC' },
      ...{ productKey: 'AP-TEST-2', startJitterMs: 0, onError() {} },
    })
    await meter.flush().catch(() => {})
    meter.record({ ...call, identity: { userId: 'ada' } })
    await meter.flush().catch(() => {})
    expect(meter.stats().calls.counted).toBe(1)
    fs.rmSync(path, { recursive: true, force: true })
    await meter.flush()
    expect(meter.stats().calls.stored).toBe(1)
    const { lost, kept } = await meter.close()
    expect([lost.calls, kept.calls]).toEqual([0, 1])
    fs.rmSync(base, { recursive: true })
  },
)
