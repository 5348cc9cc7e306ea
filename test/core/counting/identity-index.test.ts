import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createIdentityIndex } from '../../../packages/core/src/counting/identity-index.ts'

it('identities are numbered from 0 in the order of their first sight, and found again', () => {
  const id = fc.oneof(fc.constantFrom('', 'ann', 'bob', '__proto__', 'a user with a long id'), fc.string())
  const identity = fc.oneof(fc.record({ userId: id }), fc.record({ userId: id, accountId: id }))
  fc.assert(
    fc.property(fc.array(identity, { maxLength: 60 }), (identities) => {
      const index = createIdentityIndex()
      const names: string[] = []
      for (const each of identities) {
        const name = JSON.stringify([each.userId, (each as { accountId?: string }).accountId ?? null])
        const number = names.indexOf(name)
        expect(index.find(each.userId, (each as { accountId?: string }).accountId)).toBe(number)
        if (number !== -1) continue
        expect(index.make(each)).toBe(names.push(name) - 1)
        expect(index.at(names.length - 1)).toEqual(each)
      }
      expect(index.size).toBe(names.length)
    }),
  )
})

it('identities are found again before and after their distribution, in each account', () => {
  const index = createIdentityIndex()
  const accountOf = (number: number) => (number % 3 === 0 ? undefined : `account-${number % 3}`)
  const userOf = (number: number) => `user-${Math.floor(number / 3)}`
  const unknown = ['user-0', 'account-3'] as const
  for (let number = 0; number < 9_000; number++) {
    const accountId = accountOf(number)
    const userId = userOf(number)
    expect(index.find(userId, accountId)).toBe(-1)
    expect(index.make(accountId === undefined ? { userId } : { userId, accountId })).toBe(number)
    expect([index.find(userId, accountId), index.find('user-0', undefined), index.find(...unknown)]).toEqual([
      number,
      0,
      -1,
    ])
  }
  for (let number = 0; number < 9_000; number++)
    expect(index.find(userOf(number), accountOf(number))).toBe(number)
})
