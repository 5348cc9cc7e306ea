import type { KnownLine } from '@px-usage/core/adapter'
import { expect, test } from 'vitest'
import { storedLines } from '../../../packages/cli/src/audit/stored-lines.ts'

const line = (id: string, day: string, state: KnownLine['state'], more: object = {}): KnownLine => ({
  ...{ id, day, state, kind: 'event', rank: 'total', calls: 1 },
  body: JSON.stringify({ eventName: 'dailyApiCalls', attributes: { day } }),
  ...more,
})
const lines = [
  line('a', '2026-11-22', 'delivered'),
  line('b', '2026-11-23', 'rejected'),
  line('c', '2026-11-23', 'delivered', { kind: 'user', body: '{}' }),
  line('d', '2026-11-23', 'delivered', { body: 'no JSON' }),
  line('e', '2026-11-24', 'delivered'),
]
const reader = {
  place: '/data',
  incompleteUpTo: async (): Promise<string | undefined> => undefined,
  async *lines(first: string, last = first) {
    yield* lines.filter(({ day }) => day >= first && day <= last)
  },
}
const record = storedLines(reader, { first: '2026-11-22', last: '2026-11-23' }, () => '')

test('the events of a range are counted by day, without attributes and unreadable ones', async () => {
  expect([...(await record.countByDay())]).toEqual([
    ['2026-11-22', 1],
    ['2026-11-23', 1],
  ])
  expect(record.place).toBe('/data')
})

test('the events of some days come with their states', async () => {
  const found: string[] = []
  for await (const { id, state, day } of record.lines(new Set(['2026-11-24', '2026-11-22'])))
    found.push(`${id} ${state} ${day}`)
  expect(found).toEqual(['a delivered 2026-11-22', 'e delivered 2026-11-24'])
})

test('a day of which delivered lines may be missing has no record', async () => {
  const incomplete = { ...reader, incompleteUpTo: async () => '2026-11-22' }
  const some = storedLines(incomplete, { first: '2026-11-22', last: '2026-11-24' }, () => '')
  expect([...(await some.countByDay()).keys()]).toEqual(['2026-11-23', '2026-11-24'])
})
