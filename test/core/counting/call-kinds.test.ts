import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createCallProperties } from '../../../packages/core/src/attribution/call-properties.ts'
import { createEndpoints } from '../../../packages/core/src/attribution/endpoint.ts'
import { createCallKinds } from '../../../packages/core/src/counting/call-kinds.ts'
import { createDiagnostics } from '../../../packages/core/src/diagnostics.ts'

function setUp() {
  const endpoints = createEndpoints()
  return createCallKinds(endpoints, createCallProperties({ apiType: 'RESTful' }, createDiagnostics()))
}

const call = fc.record({
  identity: fc.constant(null),
  method: fc.constantFrom('GET', 'POST', 'BREW', 'TEA'),
  route: fc.constantFrom('/a', '/b', '__proto__', undefined),
  statusCode: fc.constantFrom(0, 200, 304, 400, 499, 500, 503),
  aborted: fc.boolean(),
  properties: fc.constantFrom(undefined, { plan: 'free' }, { plan: 'pro' }),
})
const errorClass = (status: number) => (status < 400 ? 0 : status < 500 ? 4 : 5)

it('calls have the same kind if and only if they are counted alike', () => {
  fc.assert(
    fc.property(fc.array(call, { maxLength: 80 }), (calls) => {
      const kinds = setUp()
      const seen = new Map<unknown, string>()
      for (const each of calls) {
        const kind = kinds.of(each)
        const method = ['GET', 'POST'].includes(each.method) ? each.method : '_OTHER'
        expect(kind).toMatchObject({
          endpoint: { method, route: each.route ?? '(unmatched)' },
          properties: { apiType: 'RESTful', ...each.properties },
          aborted: each.aborted,
        })
        expect(errorClass(kind.statusCode)).toBe(errorClass(each.statusCode))
        const name = JSON.stringify([
          ...[each.method, each.route, each.properties, each.aborted, errorClass(each.statusCode)],
        ])
        expect(seen.get(kind) ?? name).toBe(name)
        seen.set(kind, name)
      }
      expect(seen.size).toBe(new Set(seen.values()).size)
    }),
  )
})

it('an app with endless routes or properties has the right kinds, and does not fill the memory', () => {
  const kinds = setUp()
  const known = { identity: null, method: 'GET', route: '/known', statusCode: 200, aborted: false }
  const first = kinds.of(known)
  for (let at = 0; at < 12_000; at++) {
    expect(kinds.of({ ...known, route: `/users/${at}` }).endpoint.route).toBe(`/users/${at}`)
    expect(kinds.of({ ...known, properties: { at } }).properties).toMatchObject({ at })
  }
  expect(kinds.of({ ...known, route: '/users/7' })).toBe(kinds.of({ ...known, route: '/users/7' }))
  expect(kinds.of({ ...known, route: '/users/11999' })).not.toBe(
    kinds.of({ ...known, route: '/users/11999' }),
  )
  expect(kinds.of(known)).toEqual(first)
})
