import { expect, test } from 'vitest'
import { createEventMemory, rememberEvent } from '../../../packages/px-emulator/src/events/event-memory.ts'
import { defaultSwitches, type Switches } from '../../../packages/px-emulator/src/switches.ts'
import { day, eventOf, onDay } from '../../support/event-table.ts'

function remembered(switches: Partial<Switches>, ...events: ReturnType<typeof eventOf>[]) {
  const memory = createEventMemory()
  for (const event of events) rememberEvent(memory, event, { ...defaultSwitches, ...switches })
  return memory
}

test('the names of events are always remembered, and nothing else while no switch needs it', () => {
  const memory = remembered({}, eventOf({ apiCalls: 1 }), eventOf({}, { eventName: 'other', eventId: 'id' }))
  expect([...memory.names]).toEqual(['dailyApiCalls', 'other'])
  expect([memory.types.size, memory.ids.size, memory.perUserDay.size]).toEqual([0, 0, 0])
})

test('the type of the first value of each attribute and event name is remembered', () => {
  const { types } = remembered(
    { attributeType: 'first' },
    eventOf({ apiCalls: 1, plan: 'Pro' }),
    eventOf({ apiCalls: '2' }),
    eventOf({ apiCalls: '3' }, { eventName: 'other' }),
  )
  expect(Object.fromEntries(types)).toEqual({
    '["dailyApiCalls","apiCalls"]': 'number',
    '["dailyApiCalls","plan"]': 'string',
    '["other","apiCalls"]': 'string',
  })
})

test('ids are remembered where repeats are dropped', () => {
  const { ids } = remembered(
    { eventId: 'deduplicate' },
    eventOf({}, { eventId: 'a' }),
    eventOf({}, { eventId: 'b' }),
  )
  expect([...ids]).toEqual(['a', 'b'])
})

test('the events of each user are counted by day of the event, in UTC', () => {
  const { perUserDay } = remembered(
    { eventsPerUserDay: 5 },
    ...[eventOf({}), eventOf({}), eventOf({}, { identifyId: 'ben' }), eventOf({}, onDay(-1))],
    eventOf({}, { date: (day + 1) * 86_400_000 - 1 }),
  )
  expect(perUserDay.get(day)).toEqual(
    new Map([
      ['ann', 3],
      ['ben', 1],
    ]),
  )
  expect(perUserDay.get(day - 1)).toEqual(new Map([['ann', 1]]))
})
