import { expect, it } from 'vitest'
import {
  boolean,
  callback,
  count,
  notOptions,
  object,
  refuseUnknown,
} from '../../../packages/core/src/model/check-options.ts'

it('an unknown option is refused, with the known one that looks most like it', () => {
  const names = ['timeZone', 'graceMs', 'store']
  expect(() => refuseUnknown({ timeZone: 1, store: 2 }, names)).not.toThrow()
  expect(() => refuseUnknown({ timezone: 1 }, names)).toThrow('Did you mean timeZone?')
  expect(() => refuseUnknown({ gracMs: 1 }, names)).toThrow('Did you mean graceMs?')
  expect(() => refuseUnknown({ colour: 1 }, names)).toThrow('Known are timeZone, graceMs, store.')
})

it('a text in the place of the options is not quoted, as it may be a key', () => {
  expect(() => refuseUnknown('secret' as never, [])).toThrow('of type string')
  expect(notOptions('secret').message).not.toContain('secret')
})

const checks: ReadonlyArray<[string, (name: string, value: never) => unknown, unknown, unknown]> = [
  ['a boolean', boolean, true, 'yes'],
  ['a callback', callback, () => {}, 'fn'],
  ['an object', object, {}, []],
  ['a count', (name, value) => count(name, value, 1), 1, 0],
]
it.each(checks)('%s is passed on, and anything else is refused by name', (_kind, check, good, bad) => {
  expect(check('option', good as never)).toBe(good)
  expect(check('option', undefined as never)).toBeUndefined()
  expect(() => check('option', bad as never)).toThrow('The option option is')
})

it.each([1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '5', -1])('%s is no count', (value) => {
  expect(() => count('option', value, 0)).toThrow('whole number of at least 0')
})
