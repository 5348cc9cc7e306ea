import { createMeter, memoryStore } from '@px-usage/core'
import { fakeClock, inMemoryDelivery } from '@px-usage/core/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCallMeasures } from '../../../packages/core/src/instruments/call-measures.ts'
import { recordingDiagnostics } from '../../support/recording-diagnostics.ts'

function callMeasures(own = {}) {
  const { diagnostics, warnings } = recordingDiagnostics()
  const measures = createCallMeasures(own, diagnostics)
  const valuesOf = (given: unknown) =>
    measures.of(given)?.map(({ instrument, value }) => [instrument.measures[0], value])
  return { measures, valuesOf, warnings }
}

describe('the measures of a call', () => {
  it('are its numbers by name; what is not given is not counted', () => {
    const { measures, valuesOf } = callMeasures()
    expect(valuesOf({ tokens: 12, rows: 0, bytes: undefined, seconds: null })).toEqual([
      ['tokens', 12],
      ['rows', 0],
    ])
    expect([valuesOf(undefined), valuesOf(null), valuesOf({})]).toEqual([undefined, undefined, undefined])
    expect(measures.refused).toBe(0)
  })

  it.each([
    ['a text', { tokens: '12' }],
    ['a bigint', { tokens: 12n }],
    ['NaN', { tokens: Number.NaN }],
    ['infinity', { tokens: Number.POSITIVE_INFINITY }],
    ['a negative number', { tokens: -1 }],
    ['a name that px-usage uses', { ApiCalls: 1 }],
    ['the name of a property of the meter', { region: 1 }],
    ['no object', 12],
    ['a list', [12]],
    [
      'a getter that throws',
      {
        get tokens() {
          throw new Error('This getter always fails.')
        },
      },
    ],
  ])('are refused, counted and reported: %s', (_, given) => {
    const { measures, valuesOf, warnings } = callMeasures({ Region: 'eu' })
    expect(valuesOf(given)).toBeUndefined()
    expect(measures.refused).toBe(1)
    expect(warnings).toContain('PXU_WRN_COUNTING_MEASURE_REFUSED')
  })

  it('have at most 10 names, and the known ones still count beyond that', () => {
    const { measures, valuesOf } = callMeasures()
    for (let at = 0; at < 1_000; at++) valuesOf({ [`name-${at}`]: 1 })
    expect(measures.refused).toBe(990)
    expect(valuesOf({ 'name-3': 5, 'name-500': 5 })).toEqual([['name-3', 5]])
  })
})

const names = ['tokens', 'rows'] as const
const call = fc.record({
  user: fc.constantFrom('ann', 'bob', 'cem'),
  route: fc.constantFrom('/a', '/b', '/c', '/d'),
  measures: fc.dictionary(fc.constantFrom(...names), fc.nat(1_000), { maxKeys: 2 }),
  isLate: fc.boolean(),
})

it('the events have the sums of the measures, also of folded and of late calls', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(call, { minLength: 1, maxLength: 40 }),
      fc.boolean(),
      async (calls, isTight) => {
        const { delivery } = inMemoryDelivery()
        const meter = createMeter({
          ...{ clock: fakeClock('2026-11-23T10:00:00Z'), store: memoryStore(), delivery, onError() {} },
          limits: isTight ? { series: 4, users: 2, endpointsPerIdentity: 2 } : {},
        })
        for (const { user, route, measures, isLate } of calls) {
          const identity = { userId: user, accountId: 'acme' }
          meter.record({
            ...{ method: 'GET', route, statusCode: 200, aborted: false, measures },
            identity: isLate ? Promise.resolve(identity) : identity,
          })
        }
        await new Promise((resolve) => setImmediate(resolve))
        const events = await meter.preview()
        for (const eventName of ['dailyApiCalls', 'dailyEndpointCalls']) {
          const ofRollup = events.filter((event) => event.eventName === eventName)
          const sum = (name: string) =>
            ofRollup.reduce((total, { attributes }) => total + Number(attributes[name] ?? 0), 0)
          expect(sum('apiCalls')).toBe(calls.length)
          for (const name of names) {
            expect(sum(name)).toBe(calls.reduce((total, { measures }) => total + (measures[name] ?? 0), 0))
          }
        }
        await meter.close()
      },
    ),
    { numRuns: 100 },
  )
})

it('a property of a call with the name of a measure is not part of the event', async () => {
  const { delivery } = inMemoryDelivery()
  const meter = createMeter({ clock: fakeClock('2026-11-23T10:00:00Z'), store: memoryStore(), delivery })
  meter.record({
    ...{ identity: { userId: 'ann' }, method: 'GET', route: '/', statusCode: 200, aborted: false },
    properties: { Tokens: 'many', plan: 'pro' },
    measures: { tokens: 3 },
  })
  const [event] = await meter.preview()
  expect(event?.attributes).toMatchObject({ tokens: 3, plan: 'pro' })
  expect(event?.attributes).not.toHaveProperty('Tokens')
  await meter.close()
})
