import { createMeter, memoryStore } from '@px-usage/core'
import { fakeClock, inMemoryDelivery } from '@px-usage/core/testing'
import { expect, it } from 'vitest'

it('a counter with too many property sets never changes the number of API calls', async () => {
  const { delivery } = inMemoryDelivery()
  const meter = createMeter({
    ...{ clock: fakeClock('2026-11-23T10:00:00Z'), store: memoryStore(), delivery },
    limits: { propertySets: 1 },
    onError() {},
  })
  const exports = meter.counter('exports', { property: 'exports' })
  const ann = { userId: 'ann' }
  exports.add(ann, 1, { format: 'pdf' })
  for (let call = 0; call < 2; call++) {
    meter.record({ identity: ann, method: 'GET', route: '/', statusCode: 200, aborted: false })
  }
  meter.stats()
  exports.add(ann, 1, { format: 'csv' })
  const calls = (await meter.preview()).filter(({ eventName }) => eventName === 'dailyApiCalls')
  expect(calls.map(({ attributes }) => attributes.apiCalls)).toEqual([2])
  await meter.close()
})
