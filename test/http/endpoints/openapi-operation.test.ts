import { openapiOperation } from '@px-usage/http'
import { expect, it } from 'vitest'

const paths = {
  '/orders': { get: { operationId: 'listOrders' }, post: { operationId: 'addOrder' } },
  '/orders/{id}': { get: { operationId: 'getOrder' }, parameters: [] },
  '/orders/latest': { get: { operationId: 'getLatestOrder' } },
  '/orders/{id}/items/{item}.json': { get: { operationId: 'getItem' } },
  '/reports/{year}-{month}': { get: {} },
}
const operation = openapiOperation({ paths })

it.each([
  ['GET /orders', 'listOrders'],
  ['POST /orders?notify=true', 'addOrder'],
  ['GET /orders/', 'listOrders'],
  ['GET /orders/7', 'getOrder'],
  ['HEAD /orders/7', 'getOrder'],
  ['GET /orders/latest', 'getLatestOrder'],
  ['GET /orders/7/items/8.json', 'getItem'],
  ['GET /reports/2026-11', '/reports/{year}-{month}'],
  ['DELETE /orders/7', undefined],
  ['GET /orders/7/items/8', undefined],
  ['GET /orders//items/8.json', undefined],
  ['GET /nothing', undefined],
  ['GET /', undefined],
  ['GET /__proto__', undefined],
])('names %s', (text, name) => {
  const [method, url] = text.split(' ')
  expect(operation({ method, url })).toBe(name)
})

it('reads the path before a router cut it', () => {
  expect(operation({ method: 'GET', url: '/7', originalUrl: '/orders/7' })).toBe('getOrder')
})

it.each([
  ['the servers of OpenAPI 3', { servers: [{ url: 'https://api.example.com/v1/' }, { url: '/beta' }] }],
  ['a server with variables', { servers: [{ url: 'https://{region}.example.com/{version}' }] }],
])('expects the paths of %s', (_what, more) => {
  const named = openapiOperation({ paths, ...more })
  expect(named({ method: 'GET', url: '/v1/orders/7' })).toBe('getOrder')
  expect(named({ method: 'GET', url: '/orders/7' })).toBeUndefined()
})

it('expects the basePath of OpenAPI 2', () => {
  const named = openapiOperation({ paths, basePath: '/v2' })
  expect(named({ method: 'GET', url: '/v2/orders/7' })).toBe('getOrder')
})

it('keeps to a document without paths', () => {
  expect(openapiOperation({})({ method: 'GET', url: '/orders' })).toBeUndefined()
})

it('reads a hostile path of 60,000 characters in less than a tenth of a second', () => {
  const named = openapiOperation({ paths: { '/{a}-{b}-{c}-{d}': { get: {} }, ...paths } })
  const start = performance.now()
  for (const text of ['-', '/', 'a-']) named({ method: 'GET', url: `/${text.repeat(60_000 / text.length)}` })
  expect(performance.now() - start).toBeLessThan(100)
})
