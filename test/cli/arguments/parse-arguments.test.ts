import { expect, test } from 'vitest'
import { parseDay, parseLimit } from '../../../packages/cli/src/arguments/parse-arguments.ts'

test('days and limits are taken as they are given, and anything else is a wrong argument', () => {
  expect([parseDay('2026-11-23'), parseLimit('0')]).toEqual(['2026-11-23', 0])
  for (const day of ['2026-02-30', '23.11.2026', '2026-1-1', '']) {
    expect(() => parseDay(day)).toThrow(expect.objectContaining({ exitCode: 2 }))
  }
  for (const limit of ['-1', '1.5', 'x', '']) {
    expect(() => parseLimit(limit)).toThrow(expect.objectContaining({ exitCode: 2 }))
  }
})
