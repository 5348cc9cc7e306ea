import { describe, expect, it } from 'vitest'
import { createRouteMatcher } from '../../../packages/cli/src/routes/route-matcher.ts'

const matcher = createRouteMatcher([
  { method: 'GET', route: '/' },
  { method: 'GET', route: '/v1/users' },
  { method: 'GET', route: '/v1/users/:id' },
  { method: 'DELETE', route: '/v1/users/:userId' },
  { method: 'GET', route: '/v1/users/me' },
  { method: undefined, route: '/v1/users/:id/orders/:order' },
  { method: undefined, route: '/v1/users/me/orders' },
  { method: undefined, route: '/v1/reports/:name.csv' },
  { method: undefined, route: '/v1/reports/:name' },
  { method: undefined, route: '/files/*path' },
  { method: undefined, route: '/files/index' },
  { method: undefined, route: '/Café/:id' },
])

describe('the route of a path', () => {
  it.each([
    ['GET', '/', '/'],
    ['GET', '/v1/users', '/v1/users'],
    ['GET', '/v1/users/', '/v1/users'],
    ['GET', '/V1/USERS', '/v1/users'],
    ['GET', '/v1/users/7', '/v1/users/:id'],
    ['HEAD', '/v1/users/7', '/v1/users/:id'],
    ['DELETE', '/v1/users/7', '/v1/users/:userId'],
    ['PUT', '/v1/users/7', undefined],
    ['GET', '/v1/users/me', '/v1/users/me'],
    ['DELETE', '/v1/users/me', '/v1/users/:userId'],
    ['GET', '/v1/users/me/orders', '/v1/users/me/orders'],
    ['GET', '/v1/users/me/orders/9', '/v1/users/:id/orders/:order'],
    ['GET', '/v1/users//orders/9', undefined],
    ['GET', '/v1/reports/May.CSV', '/v1/reports/:name.csv'],
    ['GET', '/v1/reports/May', '/v1/reports/:name'],
    ['GET', '/files', '/files/*path'],
    ['GET', '/files/a/b/c', '/files/*path'],
    ['GET', '/files/index', '/files/index'],
    ['GET', '/files/index/more', '/files/*path'],
    ['GET', '/caf%C3%A9/1', '/Café/:id'],
    ['GET', '/v1/%zz', undefined],
    ['GET', '/v2/users', undefined],
    ['OPTIONS', '*', undefined],
    ['GET', '', '/'],
  ])('%s %s is %s', (method, path, route) => {
    expect(matcher.match(method, path)).toBe(route)
  })

  it('is found among 10,000 templates in about the same time', () => {
    const many = createRouteMatcher(
      Array.from({ length: 10_000 }, (_, at) => ({
        method: 'GET',
        route: `/v1/things${at}/:id/parts/:part`,
      })),
    )
    expect(many.size).toBe(10_000)
    const before = performance.now()
    for (let at = 0; at < 100_000; at++) many.match('GET', `/v1/things${at % 10_000}/7/parts/8`)
    expect(performance.now() - before).toBeLessThan(2_000)
  })

  it('takes bounded time for a path of 10,000 segments', () => {
    const deep = createRouteMatcher([{ method: undefined, route: `${'/:a/x'.repeat(20)}/end` }])
    expect(deep.match('GET', '/x'.repeat(10_000))).toBeUndefined()
  })
})
