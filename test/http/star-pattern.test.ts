import fc from 'fast-check'
import { expect, it } from 'vitest'
import { matcher } from '../../packages/http/src/star-pattern.ts'

/** The meaning of a pattern, without care for time. */
function matches(pattern: string, text: string): boolean {
  if (pattern === '') return text === ''
  const [first, rest] = [pattern[0], pattern.slice(1)]
  if (first === '*') return matches(rest, text) || (text !== '' && matches(pattern, text.slice(1)))
  return text[0] === first && matches(rest, text.slice(1))
}

it('a pattern matches what its stars and characters mean', () => {
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*', '\n', '.'), maxLength: 8 })
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '\n', '.'), maxLength: 10 })
  fc.assert(
    fc.property(pattern, text, (stars, path) => matcher(stars)(path) === matches(stars, path)),
    { numRuns: 5_000 },
  )
})

it('a pattern matches every text that is made from it', () => {
  const word = fc.string({ unit: 'binary', maxLength: 6 }).filter((text) => !text.includes('*'))
  fc.assert(
    fc.property(fc.array(fc.tuple(word, word), { maxLength: 6 }), word, (pairs, tail) => {
      const pattern = pairs.map(([part]) => `${part}*`).join('') + tail
      const text = pairs.map(([part, filler]) => part + filler).join('') + tail
      return matcher(pattern)(text)
    }),
  )
})

it.each([
  ['/*/*/*/*/x', '/'],
  ['/*/health/*/y', 'health/'],
  [`${'*a'.repeat(200)}*b`, 'a'],
  ['*'.repeat(1_000), 'a'],
])('the pattern %s looks at each character of a long path once', (pattern, piece) => {
  const path = `/${piece.repeat(200_000)}`
  let looks = 0
  const counting = {
    length: path.length,
    startsWith: (part: string) => path.startsWith(part),
    endsWith: (part: string) => path.endsWith(part),
    indexOf(part: string, from: number) {
      const found = path.indexOf(part, from)
      looks += (found === -1 ? path.length : found) - from
      return found
    },
  }
  matcher(pattern)(counting as unknown as string)
  expect(looks).toBeLessThanOrEqual(path.length)
})
