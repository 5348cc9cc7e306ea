import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createEventTable } from '../../../packages/px-emulator/src/columnar/event-table.ts'
import type { CustomEvent } from '../../../packages/px-emulator/src/events/custom-event.ts'

const number = fc
  .oneof(fc.integer(), fc.nat(300), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(-0))
  .map((value) => value as unknown)
const text = fc.string({ unit: 'binary', maxLength: 12 }).filter((value) => value.isWellFormed())
const value = fc.oneof(number, text, fc.boolean(), fc.constant(null), fc.uuid())
const name = fc.oneof(fc.constantFrom('apiCalls', 'plan', '__proto__', 'date', '0', ''), text)
const attributes = fc
  .array(fc.tuple(name, value), { maxLength: 5 })
  .map((entries) => Object.fromEntries(entries))
const event: fc.Arbitrary<CustomEvent> = fc
  .record(
    {
      eventName: fc.oneof(fc.constantFrom('dailyApiCalls', '__proto__'), text),
      identifyId: text,
      propertyKey: fc.constant('AP-1'),
      userType: fc.constant('USER'),
      date: fc.integer({ min: -8.64e15, max: 8.64e15 }),
      accountId: text,
      url: text,
      globalContext: fc.jsonValue(),
      eventId: fc.oneof(fc.uuid(), text),
      attributes,
    },
    { requiredKeys: ['eventName', 'identifyId', 'propertyKey', 'userType', 'date', 'eventId', 'attributes'] },
  )
  // As it comes in: through JSON, which knows no -0 and no undefined.
  .map((each) => JSON.parse(JSON.stringify(each)) as CustomEvent)

test('every event comes back as it went in, with its place and time of arrival', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      const table = createEventTable()
      events.forEach((each, at) => {
        table.push(each, at)
      })
      expect(table.length).toBe(events.length)
      events.forEach((each, at) => {
        expect(JSON.stringify(sorted(table.at(at)))).toBe(JSON.stringify(sorted(each)))
        expect(table.receivedMs(at)).toBe(at)
      })
    }),
    { numRuns: 300 },
  )
})

function sorted(each: CustomEvent): unknown {
  return [Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)), Object.entries(each.attributes)]
}

test('events are revealed in the order of arrival, and hidden again when the lag grows', () => {
  const table = createEventTable()
  const one = {
    eventName: 'a',
    identifyId: 'ann',
    propertyKey: 'AP-1',
    userType: 'USER',
    date: 0,
    eventId: '1',
  }
  for (const at of [10, 20, 30]) table.push({ ...one, eventName: `n${at % 20}`, attributes: {} }, at)
  expect([table.reveal(9), table.reveal(10), table.reveal(29), table.reveal(30), table.reveal(15)]).toEqual([
    0, 1, 2, 3, 1,
  ])
  expect(table.shapes.map(({ visible }) => visible)).toEqual([1, 0])
})
