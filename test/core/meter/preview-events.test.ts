import { createMeter, memoryStore } from '@px-usage/core'
import { fakeClock } from '@px-usage/core/testing'
import { expect, test } from 'vitest'
import { createUsageDays } from '../../../packages/core/src/day/usage-day.ts'
import { createDiagnostics } from '../../../packages/core/src/diagnostics.ts'
import { previewEvents } from '../../../packages/core/src/meter/preview-events.ts'

test('the preview from a store alone is that of the meter', async () => {
  const store = memoryStore()
  const rollups = [{ eventName: 'daily', by: 'identity' }] as const
  const meter = createMeter({
    ...{ store, rollups, clock: fakeClock('2026-11-23T10:00:00Z'), timeZone: 'Asia/Kolkata' },
    ...{ productKey: 'AP-X', apiKey: 'k', startJitterMs: 1e9 },
  })
  for (const userId of ['ann', 'bob', 'ann']) {
    meter.record({ identity: { userId }, method: 'GET', route: '/', statusCode: 200, aborted: false })
  }
  const ofMeter = await meter.preview()
  const found: unknown[] = []
  const settings = { rollups, productKey: 'AP-X', days: createUsageDays('Asia/Kolkata') }
  for await (const event of previewEvents(store, '2026-11-23', {
    ...settings,
    diagnostics: createDiagnostics(),
  })) {
    found.push(event)
  }
  expect(found).toEqual(ofMeter)
  expect(found).toHaveLength(2)
})
