import { expect, it } from 'vitest'
import { usableName } from '../../packages/http/src/endpoint-name.ts'

it('a well-formed name of up to 1,024 characters stays as it is', () => {
  for (const name of ['', '/users/:id', 'é'.repeat(1_024)]) expect(usableName(name)).toBe(name)
})

it('a longer name gets a short form that is stable and depends on every character', () => {
  const long = '/a'.repeat(1_000)
  const short = usableName(long)
  expect(short.length).toBeLessThanOrEqual(1_024)
  expect(short.startsWith('/a/a')).toBe(true)
  expect(usableName(long)).toBe(short)
  expect(usableName(`${long}b`)).not.toBe(short)
})

it('a name with a lone surrogate gets a well-formed name of its own', () => {
  const names = ['/\ud800', '/\ud801', '/\udc00'].map(usableName)
  for (const name of names) expect(name.isWellFormed()).toBe(true)
  expect(new Set(names).size).toBe(3)
})
