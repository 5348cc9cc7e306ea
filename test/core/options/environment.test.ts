import { expect, it } from 'vitest'
import { isEnabled, variable } from '../../../packages/core/src/options/environment.ts'

it('a variable is read without blanks around it, and an empty one is not set', () => {
  const env = { KEY: ' abc\n', EMPTY: '', BLANK: ' \n' }
  expect(['KEY', 'EMPTY', 'BLANK', 'ABSENT'].map((name) => variable(env, name))).toEqual([
    'abc',
    undefined,
    undefined,
    undefined,
  ])
})

it.each(['1', 'true', 'ON', 'yes', 'y', ' ', undefined])('PX_USAGE_ENABLED=%s is on', (text) => {
  expect(isEnabled(undefined, { PX_USAGE_ENABLED: text })).toBe(true)
})

it.each(['0', 'False', 'off', 'no', 'N'])('PX_USAGE_ENABLED=%s is off', (text) => {
  expect(isEnabled(undefined, { PX_USAGE_ENABLED: text })).toBe(false)
})

it('the option wins over the environment, and neither is guessed', () => {
  expect(isEnabled(true, { PX_USAGE_ENABLED: '0' })).toBe(true)
  expect(isEnabled(false, {})).toBe(false)
  expect(() => isEnabled(undefined, { PX_USAGE_ENABLED: 'maybe' })).toThrow('PX_USAGE_ENABLED')
  expect(() => isEnabled('true', {})).toThrow('enabled')
})
