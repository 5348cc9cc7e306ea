import { expect, it } from 'vitest'
import { createCallProperties } from '../../../packages/core/src/attribution/call-properties.ts'
import { recordingDiagnostics } from '../../support/recording-diagnostics.ts'

const own = Object.freeze({ apiType: 'RESTful' })

function callProperties() {
  const { diagnostics, warnings } = recordingDiagnostics()
  return { warnings, properties: createCallProperties(own, diagnostics) }
}

it('a call without properties has those of the meter', () => {
  expect(callProperties().properties.of(undefined)).toBe(own)
})

it('the properties of a call are added to those of the meter and may replace them', () => {
  const { properties } = callProperties()
  expect(properties.of({ plan: 'pro' })).toEqual({ apiType: 'RESTful', plan: 'pro' })
  expect(properties.of({ apiType: 'SOAP' })).toEqual({ apiType: 'SOAP' })
})

it('equal content gives the same frozen object, and changed content another one', () => {
  const { properties } = callProperties()
  const given = { plan: 'pro', seats: 3 }
  const first = properties.of(given)
  expect(Object.isFrozen(first)).toBe(true)
  expect(properties.of({ plan: 'pro', seats: 3 })).toBe(first)
  given.seats = 4
  expect(properties.of(given)).toEqual({ ...own, plan: 'pro', seats: 4 })
})

it('the order of the names does not matter', () => {
  const { properties } = callProperties()
  expect(properties.of({ seats: 3, plan: 'pro' })).toBe(properties.of({ plan: 'pro', seats: 3 }))
})

it('a property that PX cannot keep is left out of each call, counted and reported', () => {
  const { properties, warnings } = callProperties()
  for (let turn = 0; turn < 2; turn += 1) {
    expect(properties.of({ plan: 'pro', nested: {} })).toEqual({ ...own, plan: 'pro' })
  }
  expect(properties.leftOut).toBe(2)
  expect(warnings).toContain('PXU_WRN_ATTRIBUTION_PROPERTY_LEFT_OUT')
})

it('properties that throw when they are read are left out', () => {
  const { properties } = callProperties()
  const throwing = {
    get plan() {
      throw new Error('This getter always fails.')
    },
  }
  expect(properties.of(throwing)).toBe(own)
  expect(properties.leftOut).toBe(1)
})

it('a thousand different contents later a content is still right', () => {
  const { properties } = callProperties()
  for (let at = 0; at < 2_500; at += 1) expect(properties.of({ at })).toEqual({ ...own, at })
  expect(properties.of({ at: 7 })).toEqual({ ...own, at: 7 })
})
