import { expect, it } from 'vitest'
import { apiCalls } from '../../../packages/core/src/counting/instruments.ts'
import { readTaken } from '../../../packages/core/src/counting/taken-counts.ts'

const exports = { name: 'exports', kind: 'sum', measures: ['exports'] } as const

it('taken rows have the values of their instrument, and only API calls count as calls', () => {
  const rows = [
    [7, 5, 1, 0, 2],
    [9, 40, 0, 0, 0],
    [8, 3, 0, 3, 0],
  ]
  const taken = readTaken(Float64Array.from(rows.flat()), (id) => (id === 9 ? exports : apiCalls))
  const visited: Array<[id: number, values: number[]]> = []
  taken.forEach((id, gained) => void visited.push([id, Array.from(gained)]))
  expect([taken.size, taken.calls]).toEqual([3, 8])
  expect(visited).toEqual([
    [7, [5, 1, 0, 2]],
    [9, [40]],
    [8, [3, 0, 3, 0]],
  ])
})
