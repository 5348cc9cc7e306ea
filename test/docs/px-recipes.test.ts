import { createMeter, memoryStore } from '@px-usage/core'
import { fakeClock, inMemoryDelivery } from '@px-usage/core/testing'
import { expect, it } from 'vitest'

const dayMs = 86_400_000

it('the attribute of deprecated calls becomes 0 on a day with calls of the new version only', async () => {
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const px = inMemoryDelivery()
  const meter = createMeter({
    ...{ clock, delivery: px.delivery, store: memoryStore() },
    attributes: { account: { deprecatedCalls: 'deprecatedApiCalls' } },
  })
  const call = (route: string) =>
    meter.record({
      identity: { userId: 'ann', accountId: 'acme' },
      ...{ method: 'GET', route, statusCode: 200, aborted: false },
      measures: { deprecatedCalls: route.startsWith('/v1/') ? 1 : 0 },
    })
  const valuesAfter = async (...routes: string[]) => {
    for (const route of routes) call(route)
    await clock.advance(dayMs)
    await meter.flush()
    return px.attributes.splice(0).map(({ id, values }) => [id, values])
  }
  const account = (deprecatedApiCalls: number) => [['acme', { deprecatedApiCalls }]]
  expect(await valuesAfter('/v1/orders', '/v1/orders', '/v2/orders')).toEqual(account(2))
  expect(await valuesAfter('/v2/orders')).toEqual(account(0))
  expect(await valuesAfter()).toEqual([])
  expect(px.events.map(({ attributes }) => attributes.deprecatedCalls).filter(Number.isInteger)).toEqual([
    ...[2, 2, 0, 0, 0],
  ])
  await meter.close()
})
