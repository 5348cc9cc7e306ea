import { expect, test } from 'vitest'
import { checkClock } from '../../../packages/cli/src/doctor/clock-check.ts'

test.each([
  ['no Date', { sentMs: 0, receivedMs: 1, dateMs: undefined }, 'unknown', 'no Date'],
  ['a slow response', { sentMs: 0, receivedMs: 30_000, dateMs: 29_000 }, 'ok', 'agrees'],
  ['a Date without its fraction', { sentMs: 10_999, receivedMs: 11_001, dateMs: 10_000 }, 'ok', 'agrees'],
  ['6 s ahead', { sentMs: 67_000, receivedMs: 67_100, dateMs: 60_000 }, 'warning', '6 s ahead of'],
  ['10 min behind', { sentMs: 0, receivedMs: 0, dateMs: 600_000 }, 'warning', '10 min behind'],
  ['a day ahead', { sentMs: 86_401_000, receivedMs: 86_401_000, dateMs: 0 }, 'failure', '24 h ahead'],
])('%s', (_, reading, verdict, text) => {
  expect(checkClock(reading)).toMatchObject({ verdict, found: expect.stringContaining(text) })
})
