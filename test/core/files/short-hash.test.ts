import { expect, it } from 'vitest'
import { shortHash } from '../../../packages/core/src/files/short-hash.ts'

it('is the beginning of the SHA-256 of the text', () => {
  expect(shortHash('', 8)).toBe('e3b0c442')
  expect(shortHash('abc', 16)).toBe('ba7816bf8f01cfea')
})
