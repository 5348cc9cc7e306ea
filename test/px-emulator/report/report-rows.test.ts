import { expect, test } from 'vitest'
import { condition } from '../../../packages/px-emulator/src/query/filter.ts'
import { createDayColumns } from '../../../packages/px-emulator/src/report/day-columns.ts'
import { type RowsWanted, takeRows } from '../../../packages/px-emulator/src/report/report-rows.ts'
import { day, eventOf, onDay, tableOf } from '../../support/event-table.ts'

/** The rows of the events as [line, day, user, value]. */
function rowsOf(events: readonly ReturnType<typeof eventOf>[], changes: Partial<RowsWanted> = {}) {
  const table = tableOf(...events)
  const daysOf = createDayColumns()
  const rows = takeRows(table.shapes, {
    ...{ property: 'apiCalls', by: undefined, filters: [], from: day - 5, to: day + 5, needsNumber: true },
    ...{ numericStrings: 'ignore', daysOf: (shape) => daysOf(shape, 'UTC') },
    ...changes,
  })
  return Array.from({ length: rows.length }, (_, row) => [
    rows.names.textOf(rows.lines[row] as number),
    rows.days[row],
    table.identities.identifyId.texts[rows.users[row] as number],
    rows.values[row],
  ])
}

test('each event within the range is a row with its day, user and value', () => {
  const events = [
    ...[eventOf({ apiCalls: 1 }, onDay(-6)), eventOf({ apiCalls: 2 }, onDay(-5))],
    ...[eventOf({ apiCalls: 3 }, { ...onDay(5), identifyId: 'ben' }), eventOf({ apiCalls: 4 }, onDay(6))],
  ]
  expect(rowsOf(events)).toEqual([
    ['', 0, 'ann', 2],
    ['', 10, 'ben', 3],
  ])
})

test('events without a number are left out only where a number is needed', () => {
  const events = [eventOf({ apiCalls: 'many' }), eventOf({}), eventOf({ APICALLS: 5 })]
  expect(rowsOf(events).map(([, , , value]) => value)).toEqual([5])
  expect(rowsOf(events, { needsNumber: false })).toHaveLength(3)
})

test('texts of digits are numbers where the switch says so', () => {
  const events = ['12', '-1.5', '1e3', '', ' 5', '0x10'].map((apiCalls) => eventOf({ apiCalls }))
  expect(rowsOf(events)).toEqual([])
  expect(rowsOf(events, { numericStrings: 'count' }).map(([, , , value]) => value)).toEqual([12, -1.5])
})

test('all filters must hold', () => {
  const events = [
    ...[eventOf({ apiCalls: 1, plan: 'Pro' }), eventOf({ apiCalls: 20, plan: 'Pro' })],
    eventOf({ apiCalls: 30, plan: 'Free' }),
  ]
  const filters = [condition('plan', '==', 'pro'), condition('apiCalls', '>', '5')]
  expect(rowsOf(events, { filters }).map(([, , , value]) => value)).toEqual([20])
})

test('a line is the value of a text, a number, a boolean or the user, or (none)', () => {
  const given = [
    eventOf({ apiCalls: 1, by: 'a' }),
    eventOf({ apiCalls: 2, by: 7 }),
    eventOf({ apiCalls: 3, by: true }),
    eventOf({ apiCalls: 4, by: null }),
    eventOf({ apiCalls: 5 }),
    eventOf({ apiCalls: 6, BY: 'a' }),
    eventOf({ apiCalls: 7, by: 'null' }),
  ]
  const lines = Object.fromEntries(rowsOf(given, { by: 'by' }).map(([line, , , value]) => [value, line]))
  expect(lines).toEqual({ 1: 'a', 2: '7', 3: 'true', 4: '(none)', 5: '(none)', 6: 'a', 7: 'null' })
  const users = [eventOf({ apiCalls: 1 }), eventOf({ apiCalls: 2 }, { identifyId: 'ben' })]
  expect(rowsOf(users, { by: 'identifyId' }).map(([line]) => line)).toEqual(['ann', 'ben'])
})

test('thousands of different values have a line each', () => {
  const events = Array.from({ length: 6_000 }, (_, at) => eventOf({ apiCalls: at, by: `id ${at}` }))
  events.push(eventOf({ apiCalls: 1, by: 'id 5999', other: 1 }))
  const rows = rowsOf(events, { by: 'by' })
  expect(new Set(rows.map(([line]) => line)).size).toBe(6_000)
  expect(rows.at(-1)?.[0]).toBe('id 5999')
})
