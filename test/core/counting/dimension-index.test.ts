import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createDimensionIndex } from '../../../packages/core/src/counting/dimension-index.ts'
import { apiCalls } from '../../../packages/core/src/counting/instruments.ts'

const seats = { name: 'seats', kind: 'last', measures: ['seats'] } as const
const text = fc.constantFrom('', 'a', 'b', '","', '__proto__', '(overflow)')

it('each instrument, set of properties and endpoint has one number, which leads back to it', () => {
  const place = fc.record({
    instrument: fc.constantFrom(apiCalls, seats, { ...seats }),
    properties: fc.dictionary(text, fc.oneof(text, fc.integer({ max: 1, min: 0 }), fc.boolean()), {
      maxKeys: 2,
    }),
    endpoint: fc.option(fc.record({ method: text, route: text }), { nil: undefined }),
  })
  fc.assert(
    fc.property(fc.array(place, { maxLength: 30 }), (places) => {
      const index = createDimensionIndex()
      const numbers = new Map<string, number>()
      for (const { instrument, properties, endpoint } of places) {
        const propertySet =
          index.findPropertySet(instrument, properties) ?? index.makePropertySet(instrument, properties)
        const found = index.find(propertySet, endpoint)
        const number = found === -1 ? index.make(propertySet, endpoint) : found
        const sorted = Object.entries(properties).sort(([a], [b]) => (a < b ? -1 : 1))
        const name = JSON.stringify([instrument.name, sorted, endpoint ?? null])
        expect([found === -1, numbers.get(name) ?? number]).toEqual([!numbers.has(name), number])
        numbers.set(name, number)
        expect(index.at(number)).toEqual({
          instrument,
          properties,
          ...(endpoint && { endpoint: { ...endpoint } }),
        })
      }
      expect(numbers.size).toBe(new Set(numbers.values()).size)
    }),
  )
})

it('sets of properties are counted by content, for each instrument', () => {
  const index = createDimensionIndex()
  index.makePropertySet(apiCalls, { a: 1, b: 2 })
  expect(index.findPropertySet(apiCalls, { b: 2, a: 1 })).toBeDefined()
  expect(index.findPropertySet(apiCalls, { a: 1 })).toBeUndefined()
  index.makePropertySet(apiCalls, { a: 1 })
  expect([index.propertySets(apiCalls), index.propertySets(seats)]).toEqual([2, 0])
})
