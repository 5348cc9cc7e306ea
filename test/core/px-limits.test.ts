import { expect, it } from 'vitest'
import { isEventName, maxTextLength } from '../../packages/core/src/px-limits.ts'

it.each<[string, unknown, boolean]>([
  ['a name', 'reportExported', true],
  ['a name of 1,024 characters', 'x'.repeat(maxTextLength), true],
  ['a longer name', 'x'.repeat(maxTextLength + 1), false],
  ['an empty text', '', false],
  ['spaces', '  ', false],
  ['half a character', '\ud800', false],
  ['a number', 1, false],
])('isEventName() decides whether PX can have %s', (_, name, isOne) => {
  expect(isEventName(name)).toBe(isOne)
})
