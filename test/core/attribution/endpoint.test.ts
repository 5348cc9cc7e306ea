import { createMeter, memoryStore } from '@px-usage/core'
import { fakeClock, inMemoryDelivery } from '@px-usage/core/testing'
import { expect, it } from 'vitest'
import { createEndpoints } from '../../../packages/core/src/attribution/endpoint.ts'

it('an endpoint is the same object each time, with what is not known named as such', () => {
  const endpoints = createEndpoints()
  expect(endpoints.of('GET', '/a')).toBe(endpoints.of('GET', '/a'))
  expect(endpoints.of('POST', '/a')).not.toBe(endpoints.of('GET', '/a'))
  expect(endpoints.of('__proto__', undefined)).toEqual({ method: '_OTHER', route: '(unmatched)' })
})

it('an endpoint from elsewhere is found by its method and route, and listed as it is', () => {
  const endpoints = createEndpoints()
  const own = endpoints.of('GET', '/a')
  expect(endpoints.find({ method: 'GET', route: '/a' })).toBe(own)
  expect(endpoints.find({ method: '(overflow)', route: '/a' })).toBeUndefined()
  const overflow = endpoints.add({ method: '(overflow)', route: '(overflow)' })
  expect(endpoints.find({ ...overflow })).toBe(overflow)
})

it('an app that makes an endpoint of every id does not fill the list', () => {
  const endpoints = createEndpoints()
  for (let id = 0; id < 20_000; id++) {
    expect(endpoints.of('GET', `/users/${id}`)).toEqual({ method: 'GET', route: `/users/${id}` })
  }
  expect(endpoints.list()).toHaveLength(10_000)
})

it('lists the endpoints called so far, also by calls without an identity, in order', async () => {
  const { delivery } = inMemoryDelivery()
  const meter = createMeter({ clock: fakeClock('2026-11-23T10:00:00Z'), store: memoryStore(), delivery })
  expect(meter.endpoints()).toEqual([])
  for (const [method, route, userId] of [
    ['POST', '/b', 'ann'],
    ['GET', '/b', 'ann'],
    ['GET', '/a', ''],
    ['GET', '/b', 'bob'],
  ] as const) {
    meter.record({ identity: userId && { userId }, method, route, statusCode: 200, aborted: false })
  }
  expect(meter.endpoints()).toEqual([
    { method: 'GET', route: '/a' },
    { method: 'GET', route: '/b' },
    { method: 'POST', route: '/b' },
  ])
  await meter.close()
})
