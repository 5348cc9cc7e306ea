import fc from 'fast-check'
import { expect, test } from 'vitest'
import { condition } from '../../../packages/px-emulator/src/query/filter.ts'
import { textPattern } from '../../../packages/px-emulator/src/query/text-pattern.ts'

const letters = (extra: string) => fc.string({ maxLength: 12, unit: fc.constantFrom(...`ab${extra}`) })

/** By trying every place for each star. */
function matches(pattern: string, text: string): boolean {
  if (pattern === '') return text === ''
  if (pattern[0] === '*') {
    return matches(pattern.slice(1), text) || (text !== '' && matches(pattern, text.slice(1)))
  }
  return (
    text !== '' && (pattern[0] === '?' || pattern[0] === text[0]) && matches(pattern.slice(1), text.slice(1))
  )
}

test('a star matches any text, and a question mark one character', () => {
  fc.assert(
    fc.property(letters('*?'), letters('c'), (pattern, text) => {
      expect(textPattern(pattern, true)(text)).toBe(matches(pattern, text))
    }),
    { numRuns: 20_000 },
  )
})

test('a filter of many stars is looked up in a long value', () => {
  const { holds } = condition('x', '~', `${'*a?a'.repeat(100)}*b`)
  expect(holds('a'.repeat(100_000))).toBe(false)
  expect(holds(`${'a'.repeat(100_000)}b`)).toBe(true)
})

test('a pattern of more than 1,000 characters is refused', () => {
  expect(() => textPattern('*'.repeat(1_001), true)).toThrow('1000 characters')
})
