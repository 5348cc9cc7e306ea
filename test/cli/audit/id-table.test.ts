import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { IdTable } from '../../../packages/cli/src/audit/id-table.ts'

test('each id keeps its number while the table grows', () => {
  const table = new IdTable()
  const ids: unknown[] = [
    ...Array.from({ length: 5_000 }, () => randomUUID()),
    ...Array.from({ length: 5_000 }, (_, at) => at),
    ...Array.from({ length: 5_000 }, (_, at) => String(at)),
  ]
  for (const [at, id] of ids.entries()) table.set(table.place(id), at + 0x80000000)
  expect(table.size).toBe(15_000)
  expect(ids.every((id, at) => table.at(table.find(id)) === at + 0x80000000)).toBe(true)
  expect([table.find(randomUUID()), table.find(''), table.find(5_000)]).toEqual([-1, -1, -1])
})

test('an id that is added again stays one, and a UUID is the same in both cases', () => {
  const table = new IdTable()
  const id = randomUUID()
  for (const again of [id, id, id.toUpperCase(), 'a', 'A']) table.add(again)
  expect(table.size).toBe(3)
})
