import fc from 'fast-check'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createCallProperties } from '../../../packages/core/src/attribution/call-properties.ts'
import { createPropertySets, usableProperties } from '../../../packages/core/src/attribution/properties.ts'
import { createDiagnostics } from '../../../packages/core/src/diagnostics.ts'

const own = Object.freeze({ apiType: 'RESTful' })

function setUp() {
  const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  onTestFinished(() => emitWarning.mockRestore())
  const properties = createCallProperties(own, createDiagnostics())
  const warnings = () => emitWarning.mock.calls.map(([message]) => String(message))
  return { properties, warnings }
}

describe('usable properties', () => {
  it('are flat scalars under names that differ in more than case', () => {
    const given = {
      Category: 'a',
      category: 'b',
      n: 1,
      yes: true,
      nested: {},
      none: null,
      nothing: undefined,
      nan: Number.NaN,
      apicalls: 9,
    }
    expect(usableProperties(given)).toEqual({ Category: 'a', n: 1, yes: true })
  })

  it('stay within the limits of PX', () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`p${index}`, index]))
    expect(Object.keys(usableProperties(many))).toHaveLength(36)
    expect(usableProperties({ long: 'x'.repeat(1_025), ['k'.repeat(1_025)]: 1 })).toEqual({})
    expect(usableProperties({ text: 'half \ud83e', 'half \ud83e': 1, whole: '🧑' })).toEqual({ whole: '🧑' })
    expect(usableProperties(JSON.parse('{"__proto__":1}'))).toEqual({})
  })

  it('are the same again when they are checked again, and PX can keep them, whatever is given', () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      // JSON has no -0.
      fc.double().map((number) => number + 0),
      fc.constantFrom<unknown>(true, null, undefined, {}, [], 10n, Symbol('s'), new Date(0), () => 1),
    )
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary', maxLength: 3 }), value), (given) => {
        const usable = usableProperties(given)
        expect(usableProperties(usable)).toEqual(usable)
        expect(JSON.parse(JSON.stringify(usable))).toEqual(usable)
        const folded = Object.keys(usable).map((name) => name.toLowerCase())
        expect(new Set(folded).size).toBe(folded.length)
      }),
    )
  })
})

describe('the properties of calls', () => {
  it('are the same object for the same content, so that nothing is made for a call', () => {
    const { properties } = setUp()
    const first = properties.of({ subscriptionName: 'gold', seats: 3 })
    expect(first).toEqual({ apiType: 'RESTful', subscriptionName: 'gold', seats: 3 })
    expect(Object.isFrozen(first)).toBe(true)
    expect(properties.of({ subscriptionName: 'gold', seats: 3 })).toBe(first)
    expect(properties.of({ subscriptionName: 'gold', seats: '3' })).toMatchObject({ seats: '3' })
    expect(properties.of({ subscriptionName: 'gold' })).toEqual({
      apiType: 'RESTful',
      subscriptionName: 'gold',
    })
    expect([properties.of(undefined), properties.of({})]).toEqual([own, own])
  })

  it('are read again when the app changes the object it gives', () => {
    const { properties } = setUp()
    const given = { plan: 'gold' }
    expect(properties.of(given)).toMatchObject({ plan: 'gold' })
    given.plan = 'free'
    expect(properties.of(given)).toMatchObject({ plan: 'free' })
  })

  it('equal those of single checks, in any order, and after more contents than the cache holds', () => {
    const { properties } = setUp()
    const value = fc.oneof(
      fc.integer({ min: 0, max: 3 }),
      fc.constantFrom('a', 'b', true, 1.5, null, undefined),
    )
    const given = fc.dictionary(fc.constantFrom('a', 'b', 'A', 'apiType', 'toString'), value)
    fc.assert(
      fc.property(given, (content) => {
        expect(properties.of(content)).toEqual(usableProperties({ ...own, ...usableProperties(content) }))
      }),
      { numRuns: 1_000 },
    )
    for (let id = 0; id < 5_000; id++) expect(properties.of({ id })).toEqual({ apiType: 'RESTful', id })
  })

  it('replace those of the meter by name, and say so if they differ in case only', () => {
    const { properties, warnings } = setUp()
    expect(properties.of({ apiType: 'GraphQL' })).toEqual({ apiType: 'GraphQL' })
    expect(properties.of({ apitype: 'GraphQL' })).toEqual(own)
    expect(warnings()).toEqual([expect.stringMatching(/"apitype".*differs only in case/)])
  })

  it('that are left out are counted, and reported once for each reason with name and remedy', () => {
    const { properties, warnings } = setUp()
    for (let i = 0; i < 3; i++) {
      properties.of({ user: { id: 7 }, tags: ['a'], apiCalls: 5, 'k\ud800': 1 })
      properties.of(['a'])
      properties.of({
        get plan(): string {
          throw new Error('lazy loading failed')
        },
      })
    }
    expect(properties.leftOut).toBe(18)
    expect(warnings()).toEqual([
      expect.stringMatching(/^The property "user" is left out\..*flat values/),
      expect.stringMatching(/^The property "apiCalls" is left out\..*another name/),
      expect.stringMatching(/^The property "k\\ud800" is left out\..*1 to 1024 whole characters/),
      expect.stringMatching(/^The properties of a call are left out, .*not a plain object/),
      expect.stringMatching(/threw when they were read/),
    ])
  })
})

describe('property sets', () => {
  it('are found by their content, also by objects that come again and after many others', () => {
    const sets = createPropertySets()
    const own = sets.add({ plan: 'pro', seats: 3 })
    const other = { seats: 3, plan: 'pro' }
    expect([sets.find(own), sets.find(other), sets.find(other)]).toEqual([own, own, own])
    expect(sets.find({ plan: 'pro', seats: '3' })).toBeUndefined()
    for (let at = 0; at < 2_500; at++) sets.add({ at })
    expect(sets.find(other)).toBe(own)
  })
})
