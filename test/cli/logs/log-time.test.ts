import { describe, expect, it } from 'vitest'
import { createLogTimes, timeOf } from '../../../packages/cli/src/logs/log-time.ts'

describe('times of an access log', () => {
  const times = createLogTimes()

  it.each([
    ['23/Nov/2026:10:00:00 +0000', '2026-11-23T10:00:00Z'],
    ['23/Nov/2026:10:59:59 +0000', '2026-11-23T10:59:59Z'],
    ['23/Nov/2026:10:00:00 +0530', '2026-11-23T04:30:00Z'],
    ['23/Nov/2026:10:00:00 -0330', '2026-11-23T13:30:00Z'],
    ['29/Feb/2024:23:59:60 +0000', '2024-03-01T00:00:00Z'],
    ['01/Jan/2026:00:00:00 +1400', '2025-12-31T10:00:00Z'],
  ])('%s is read, whichever was read before', (text, iso) => {
    expect(times.at(`x ${text}]`, 2)).toBe(Date.parse(iso))
  })

  it.each([
    '29/Feb/2026:10:00:00 +0000',
    '23/nov/2026:10:00:00 +0000',
    '23/Nov/2026:24:00:00 +0000',
    '23/Nov/2026:10:60:00 +0000',
    '23/Nov/2026:10:00:61 +0000',
    '23/Nov/2026:10:00-00 +0000',
    '23/Nov/2026:10:00:00 GMT+1',
    '23/Nov/2026:10:00',
  ])('%s is no time', (text) => {
    times.at('23/Nov/2026:10:00:00 +0000', 0)
    expect(times.at(text, 0)).toBeNaN()
  })
})

describe('the time in a field', () => {
  it.each([
    ['2026-11-23T10:00:00.5Z', '2026-11-23T10:00:00.500Z'],
    ['2026-11-23 10:00:00,250+0100', '2026-11-23T09:00:00.250Z'],
    [1795428000, '2026-11-23T10:00:00Z'],
    ['1795428000.5', '2026-11-23T10:00:00.500Z'],
    [1795428000123, '2026-11-23T10:00:00.123Z'],
    ['23/Nov/2026:10:00:00 +0000', '2026-11-23T10:00:00Z'],
  ])('is read from %j', (value, iso) => {
    expect(timeOf(value)).toBe(Date.parse(iso))
  })

  it.each(['2026-11-23T10:00:00', 'noon', '', null, {}])('is not guessed from %j', (value) => {
    expect(timeOf(value)).toBeNaN()
  })
})
