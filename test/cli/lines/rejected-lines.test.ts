import type { RejectedLine } from '@px-usage/core/adapter'
import { expect, test } from 'vitest'
import { choiceOf, readRejected, requireChoice } from '../../../packages/cli/src/lines/rejected-lines.ts'
import type { NumberedReader } from '../../../packages/cli/src/place/open-place.ts'

const line = (id: string, day: string, eventName: string): RejectedLine => ({
  ...{ id, day, kind: 'event', rank: 'total', calls: 1, reason: 'no', rejectedAtMs: 0 },
  body: JSON.stringify({ eventName, identifyId: 'ann' }),
})
const reader = {
  async *rejected() {
    yield line('1', '2026-11-23', 'a')
    yield line('2', '2026-11-23', 'b')
    yield line('3', '2026-11-24', 'a')
  },
} as unknown as NumberedReader

test.each([
  [[], {}, '123'],
  [['1', '3'], {}, '13'],
  [[], { day: '2026-11-23' }, '12'],
  [[], { day: '2026-11-23', event: 'a' }, '1'],
  [['2'], { event: 'a' }, ''],
])('ids %j and flags %j choose the lines %s', async (ids, flags, chosen) => {
  const found = await readRejected(reader, choiceOf(ids, flags))
  expect(found.map(({ id }) => id).join('')).toBe(chosen)
})

test('a command that changes lines needs a choice, and all of them need --all', () => {
  expect(() => requireChoice(choiceOf([], {}))).toThrow('--all')
  requireChoice(choiceOf([], { all: true }))
  expect(() => choiceOf([], { day: 'x' })).toThrow('not a day')
})
