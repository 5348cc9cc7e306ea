import { expect, it } from 'vitest'
import {
  durationText,
  minuteText,
  placeOf,
  shortened,
  waitingText,
} from '../../../packages/core/src/delivery/waiting-text.ts'

const counts = { closed: 9, delivered: 4, rejected: 1 }
const storeOf = (pending: number, unconfirmed: number, durable: boolean) => ({
  durable,
  ...(durable && { place: '.px-usage' }),
  outboxCounts: () => ({ ...counts, pending, unconfirmed }),
})

it('says how many events wait and where', () => {
  expect(waitingText(storeOf(2, 1, true))).toBe('3 events are kept in .px-usage')
  expect(waitingText(storeOf(1, 0, true))).toBe('1 event is kept in .px-usage')
  expect(waitingText(storeOf(0, 2, false))).toBe('2 events wait in memory and are lost if the process exits')
})

it('calls a store without a name of its place the store', () => {
  expect(placeOf({})).toBe('the store')
})

it.each([
  [0, '1 s'],
  [59_499, '59 s'],
  [300_000, '5 min'],
  [3 * 3_600_000, '3 h'],
])('a duration of %i ms is %s', (ms, text) => {
  expect(durationText(ms)).toBe(text)
})

it('a time has minutes and its zone', () => {
  expect(minuteText(Date.UTC(2026, 10, 25, 22, 18, 59))).toBe('2026-11-25 22:18 UTC')
})

it('a long reply is cut to 300 characters', () => {
  expect(shortened('x'.repeat(300))).toHaveLength(300)
  expect(shortened('x'.repeat(301))).toBe(`${'x'.repeat(297)}...`)
})
