import { expect, test } from 'vitest'
import { createEventTable, type EventShape } from '../../../packages/px-emulator/src/columnar/event-table.ts'
import { createDayColumns } from '../../../packages/px-emulator/src/report/day-columns.ts'
import { day, eventOf, onDay } from '../../support/event-table.ts'

const late = { date: Date.UTC(2026, 10, 23, 23, 30) }

test('the days of a shape are those of the zone', () => {
  const table = createEventTable()
  for (const changes of [onDay(0), late, onDay(2)]) table.push(eventOf({}, changes), 0)
  const daysOf = createDayColumns()
  const [shape] = table.shapes as [EventShape]
  const days = (zone: string) => [0, 1, 2].map((row) => daysOf(shape, zone).at(row) - day)
  expect(days('UTC')).toEqual([0, 0, 2])
  expect(days('Europe/Berlin')).toEqual([0, 1, 2])
  expect(days('Pacific/Honolulu')).toEqual([0, 0, 2])
})

test('days are kept, and only those of new events are added', () => {
  const table = createEventTable()
  table.push(eventOf({}), 0)
  const daysOf = createDayColumns()
  const [shape] = table.shapes as [EventShape]
  const days = daysOf(shape, 'UTC')
  table.push(eventOf({}, onDay(1)), 0)
  expect(days.length).toBe(1)
  expect(daysOf(shape, 'UTC')).toBe(days)
  expect([days.length, days.at(1)]).toEqual([2, day + 1])
})

test('the four zones used last are kept', () => {
  const table = createEventTable()
  table.push(eventOf({}), 0)
  const daysOf = createDayColumns()
  const [shape] = table.shapes as [EventShape]
  const daysIn = (zone: string) => daysOf(shape, zone)
  const [utc, tokyo] = [daysIn('UTC'), daysIn('Asia/Tokyo')]
  for (const zone of ['Asia/Kathmandu', 'Europe/Berlin', 'UTC', 'America/New_York']) daysIn(zone)
  expect(daysIn('UTC')).toBe(utc)
  expect(daysIn('Asia/Tokyo')).not.toBe(tokyo)
})

test('an unknown zone is refused', () => {
  const table = createEventTable()
  table.push(eventOf({}), 0)
  expect(() => createDayColumns()(table.shapes[0] as EventShape, 'Mars/Base')).toThrow('Mars/Base')
})
