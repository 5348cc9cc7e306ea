import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRecentlyUsed } from '../../../../packages/core/src/attribution/lookups/recently-used.ts'

describe('createRecentlyUsed()', () => {
  it('removes the key that was used longest ago, where reading a key is a use', () => {
    const map = createRecentlyUsed<{ n: number }>(2)
    map.set('a', { n: 1 })
    map.set('b', { n: 2 })
    expect(map.use('a')).toEqual({ n: 1 })
    map.set('c', { n: 3 })
    expect(map.use('b')).toBeUndefined()
    expect(map.use('a')).toEqual({ n: 1 })
    expect(map.use('c')).toEqual({ n: 3 })
  })

  it('holds the same keys and values as a list that is sorted by use, after any steps', () => {
    const step = fc.record({ key: fc.constantFrom(...'abcdefgh'), isSet: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 6 }), (steps, max) => {
        const map = createRecentlyUsed<{ n: number }>(max)
        let list: { key: string; n: number }[] = []
        for (const [n, { key, isSet }] of steps.entries()) {
          const known = list.find((entry) => entry.key === key)
          if (isSet) map.set(key, { n })
          else expect(map.use(key)).toEqual(known && { n: known.n })
          if (!isSet && known === undefined) continue
          const used = isSet ? { key, n } : (known as { key: string; n: number })
          list = [...list.filter((entry) => entry.key !== key), used].slice(-max)
        }
      }),
    )
  })
})
