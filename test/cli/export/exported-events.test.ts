import type { KnownLine } from '@px-usage/core/adapter'
import { expect, test } from 'vitest'
import { exportedEvents, newTally } from '../../../packages/cli/src/export/exported-events.ts'

const line = (id: string, state: KnownLine['state'], more: Partial<KnownLine> = {}): KnownLine => ({
  ...{ id, day: '2026-11-23', state, kind: 'event', rank: 'total', calls: 1 },
  body: JSON.stringify({ eventName: id }),
  ...more,
})
const lines = [
  line('a', 'delivered'),
  line('b', 'pending'),
  line('c', 'rejected', { body: '{\n "eventName": "c"\n}' }),
  line('d', 'delivered', { kind: 'user' }),
  line('e', 'unconfirmed', { body: 'no JSON' }),
]
const asked: string[] = []
const reader = {
  async *lines(first: string, last = first) {
    asked.push(`${first}..${last}`)
    yield* lines
  },
}
const range = { first: '2026-11-22', last: '2026-11-23' }

test.each([
  ['all', ['a', 'b', 'c'], { events: 3, attributeLines: 1, unreadable: 1 }],
  ['sent', ['a'], { events: 1, attributeLines: 1, unreadable: 0 }],
  ['unsent', ['b', 'c'], { events: 2, attributeLines: 0, unreadable: 1 }],
] as const)('the choice %s yields these events, each on one line', async (choice, names, counts) => {
  const tally = newTally()
  const bodies: string[] = []
  for await (const { body } of exportedEvents(reader, range, choice, tally)) bodies.push(body)
  expect(bodies).toEqual(names.map((eventName) => JSON.stringify({ eventName })))
  expect(tally).toMatchObject({ ...counts, days: new Set(['2026-11-23']) })
  expect(asked.at(-1)).toBe('2026-11-22..2026-11-23')
})
