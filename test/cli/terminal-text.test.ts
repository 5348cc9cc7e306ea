import { expect, test } from 'vitest'
import {
  counted,
  cut,
  formatCount,
  formatDuration,
  formatTime,
  oneLine,
} from '../../packages/cli/src/terminal-text.ts'

test('control characters and those that turn the direction of text are written out', () => {
  expect(oneLine('a\tb\u001b[31m\u0085 \u202e é 漢')).toBe('a\\x09b\\x1b[31m\\x85 \\u{202e} é 漢')
})

test('a text is cut between characters, not inside one', () => {
  expect(cut('👩👩👩', 2)).toBe('👩…')
  expect(cut('abc', 3)).toBe('abc')
})

test('numbers, durations and times read as people write them', () => {
  expect(formatCount(1_234_567.891)).toBe('1,234,567.89')
  expect([counted(1, 'line'), counted(2_000, 'line')]).toEqual(['1 line', '2,000 lines'])
  expect([0, 119_000, 120_000, 7_200_000, 172_800_000].map(formatDuration)).toEqual([
    '0 s',
    '119 s',
    '2 min',
    '2 h',
    '2 days',
  ])
  expect(formatTime(Date.UTC(2026, 10, 23, 10))).toBe('2026-11-23 10:00:00 UTC')
})
