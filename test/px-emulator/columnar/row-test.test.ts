import { expect, test, vi } from 'vitest'
import { TextColumn } from '../../../packages/px-emulator/src/columnar/columns.ts'
import type { EventShape } from '../../../packages/px-emulator/src/columnar/event-table.ts'
import { rowTest } from '../../../packages/px-emulator/src/columnar/row-test.ts'
import { condition } from '../../../packages/px-emulator/src/query/filter.ts'
import { eventOf, shapesOf } from '../../support/event-table.ts'

const [shape] = shapesOf(
  eventOf({ plan: 'Pro', apiCalls: 5 }),
  eventOf({ plan: 'Free', apiCalls: 20 }, { identifyId: 'ben' }),
  eventOf({ plan: 'Pro', apiCalls: 300 }, { identifyId: 'cid' }),
) as [EventShape]

const rows = (field: string, operator: string, wanted: string) => {
  const holds = rowTest(shape, condition(field, operator, wanted))
  return [0, 1, 2].filter((row) => holds(row))
}

test.each<[string, string, string, number[]]>([
  ['plan', '==', 'pro', [0, 2]],
  ['PLAN', '!=', 'pro', [1]],
  ['apiCalls', '>=', '20', [1, 2]],
  ['identifyId', '~', '*n*', [0, 1]],
  ['eventName', '==', 'dailyapicalls', [0, 1, 2]],
  ['eventName', '==', 'other', []],
])('%s %s %s holds for the right rows', (field, operator, wanted, expected) => {
  expect(rows(field, operator, wanted)).toEqual(expected)
})

test('a field that the events do not have is tested as nothing', () => {
  expect(rows('accountId', '==', '')).toEqual([0, 1, 2])
  expect(rows('accountId', '==', 'acme')).toEqual([])
})

test('a condition is computed once for each text of a dictionary', () => {
  const holds = vi.fn((value: unknown) => value === 'Pro')
  const test = rowTest(shape, { field: 'plan', holds })
  for (let round = 0; round < 3; round += 1) expect([0, 1, 2].map(test)).toEqual([true, false, true])
  expect(holds.mock.calls).toEqual([['Pro'], ['Free']])
})

test('texts that are stored as plain bytes are tested row by row', () => {
  const column = new TextColumn()
  const texts = Array.from({ length: 5_000 }, (_, at) => `id ${at}`)
  for (const text of texts) column.push(text)
  expect(column.dictionary).toBeUndefined()
  const fields = [{ name: 'id', isAttribute: true, kind: 'text', column }] as const
  const many: EventShape = { eventName: 'x', fields, visible: 5_000, length: 5_000 }
  const holds = rowTest(many, condition('id', '==', 'ID 4321'))
  expect(texts.flatMap((_, row) => (holds(row) ? [row] : []))).toEqual([4_321])
})
