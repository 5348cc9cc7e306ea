import { expect, it } from 'vitest'
import {
  callIdentify,
  IdentifyFailure,
  isNoIdentity,
  isThenable,
} from '../../../packages/core/src/attribution/identify.ts'

it('what identify returns is passed on as it is', () => {
  const promise = Promise.resolve(null)
  expect(callIdentify(() => promise, {})).toBe(promise)
  expect(callIdentify((source: string) => ({ userId: source }), 'ann')).toEqual({ userId: 'ann' })
})

it('what identify throws becomes a failure', () => {
  const error = new Error('This callback always fails.')
  const failure = callIdentify(() => {
    throw error
  }, {})
  expect(failure).toBeInstanceOf(IdentifyFailure)
  expect(failure).toMatchObject({ reason: 'threw', error })
})

it('a failure of another installed copy is one as well', () => {
  const copy = { [Symbol.for('@px-usage/core.IdentifyFailure')]: true, reason: 'threw' }
  expect(copy).toBeInstanceOf(IdentifyFailure)
  expect({ reason: 'threw' }).not.toBeInstanceOf(IdentifyFailure)
})

it.each([null, undefined, false, '', 0, 0n, Number.NaN])('%s is no identity', (value) => {
  expect(isNoIdentity(value)).toBe(true)
})

it('an object is an identity, whatever is in it', () => {
  expect(isNoIdentity({})).toBe(false)
})

it('anything with a then method can be awaited', () => {
  const then = () => {}
  expect([Promise.resolve(), { then }, Object.assign(() => {}, { then })].map(isThenable)).toEqual([
    true,
    true,
    true,
  ])
  expect([{}, null, 'then'].map(isThenable)).toEqual([false, false, false])
})
