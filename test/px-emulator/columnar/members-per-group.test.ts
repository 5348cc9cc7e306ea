import fc from 'fast-check'
import { expect, test } from 'vitest'
import { membersPerGroup } from '../../../packages/px-emulator/src/columnar/members-per-group.ts'

const sizes = { groups: 5, members: 4 }
const row = fc.tuple(fc.nat(sizes.groups - 1), fc.nat(sizes.members - 1))

test('the members of each group are counted as sets of them are', () => {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 60 }), (rows) => {
      const groups = Uint32Array.from(rows, ([group]) => group)
      const members = Uint32Array.from(rows, ([, member]) => member)
      const { distinct, most } = membersPerGroup(groups, members, { rows: rows.length, ...sizes })
      const sets = Array.from({ length: sizes.groups }, () => new Set<number>())
      const counts = new Map<string, number>()
      for (const [group, member] of rows) {
        sets[group]?.add(member)
        counts.set(`${group} ${member}`, (counts.get(`${group} ${member}`) ?? 0) + 1)
      }
      expect([...distinct]).toEqual(sets.map(({ size }) => size))
      expect(most).toBe(Math.max(0, ...counts.values()))
    }),
  )
})

test('only the given number of rows is read, of arrays that may be longer', () => {
  const groups = Uint32Array.from([0, 1, 1, 1])
  const members = Uint32Array.from([2, 0, 1, 2])
  const { distinct, most } = membersPerGroup(groups, members, { rows: 2, groups: 2, members: 3 })
  expect([[...distinct], most]).toEqual([[1, 1], 1])
})
