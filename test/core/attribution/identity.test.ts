import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { usableIdentity } from '../../../packages/core/src/attribution/identity.ts'

const anyText = fc.oneof(fc.string({ unit: 'binary', maxLength: 700 }), fc.string({ maxLength: 30 }))

function idOf(userId: unknown): string | undefined {
  return usableIdentity({ userId })?.userId
}

describe('an id', () => {
  it.each([
    '__proto__',
    'constructor',
    'a|b',
    'a\r\nb',
    'a\0b',
    '🧑‍🚀',
    ' padded ',
    'é',
    'é',
    'x'.repeat(500),
  ])('survives unchanged: %j', (id) => {
    expect(idOf(id)).toBe(id)
  })

  it('may be a finite number or a bigint', () => {
    expect(idOf(42)).toBe('42')
    expect(idOf(12345678901234567890n)).toBe('12345678901234567890')
    for (const unusable of [Number.NaN, Number.POSITIVE_INFINITY, '', null, undefined, {}, true]) {
      expect(idOf(unusable)).toBeUndefined()
    }
  })

  it('is never taken for another, and JSON carries it', () => {
    fc.assert(
      fc.property(anyText, anyText, (a, b) => {
        const [usedA, usedB] = [idOf(a), idOf(b)]
        if (usedA === undefined || usedB === undefined) return
        expect(usedA === usedB).toBe(a === b)
        expect(JSON.parse(Buffer.from(JSON.stringify(usedA)).toString())).toBe(usedA)
        expect(usedA.length).toBeLessThanOrEqual(500)
      }),
      { numRuns: 2_000 },
    )
  })

  it('that looks like a short form is not taken for the id of that short form', () => {
    const long = 'x'.repeat(600)
    const short = idOf(long) as string
    expect(short).toHaveLength(465)
    expect(idOf(short)).not.toBe(short)
  })

  it('of an account that is unusable makes the whole identity unusable', () => {
    for (const accountId of [Number.NaN, {}, false, new Date(), Symbol('acme')]) {
      expect(usableIdentity({ userId: 'ann', accountId })).toBeUndefined()
    }
  })

  it.each([[''], [null], [undefined]])('of an account that is %j counts as no account', (accountId) => {
    expect(usableIdentity({ userId: 'ann', accountId })).toEqual({ userId: 'ann' })
  })
})
