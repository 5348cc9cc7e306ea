import fc from 'fast-check'
import { expect, it } from 'vitest'
import { BitSet } from '../../../packages/core/src/files/bit-set.ts'

it('holds the indexes that were added, also after it was written and read', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(5_000)), fc.array(fc.nat(6_000)), (added, asked) => {
      const bits = new BitSet()
      for (const index of added) bits.add(index)
      const read = new BitSet(Buffer.from(bits.toString(), 'base64'))
      const expected = new Set(added)
      for (const set of [bits, read]) {
        expect(set.size).toBe(expected.size)
        for (const index of [...added, ...asked]) expect(set.has(index)).toBe(expected.has(index))
      }
    }),
  )
})
