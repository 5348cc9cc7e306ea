import fc from 'fast-check'
import { Temporal } from 'temporal-polyfill'
import { describe, expect, it } from 'vitest'
import { createUsageDays } from '../../../packages/core/src/day/usage-day.ts'

const hourMs = 3_600_000
const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/Santiago',
  'Australia/Lord_Howe',
  'Africa/Cairo',
  'Asia/Beirut',
  'America/Havana',
  'Asia/Kathmandu',
  'Pacific/Apia',
  'Pacific/Kiritimati',
  'Etc/GMT+12',
]

/** The same questions, answered by the Temporal polyfill. */
function oracle(timeZone: string, epochMs: number) {
  const at = Temporal.Instant.fromEpochMilliseconds(epochMs).toZonedDateTimeISO(timeZone)
  const day = at.toPlainDate()
  const start = day.toZonedDateTime({ timeZone })
  const next = day.add({ days: 1 }).toZonedDateTime({ timeZone })
  return { day: day.toString(), startMs: start.epochMilliseconds, endMs: next.epochMilliseconds }
}

describe('a usage day', () => {
  it.each(zones)('in %s is the day that Temporal says, with the same bounds', (zone) => {
    const days = createUsageDays(zone)
    fc.assert(
      fc.property(
        fc.date({ min: new Date('2012-01-02'), max: new Date('2037-12-30'), noInvalidDate: true }),
        (date) => {
          const { day, startMs, endMs } = oracle(zone, date.getTime())
          expect(days.of(date.getTime())).toBe(day)
          expect(days.bounds(day)).toEqual({ startMs, endMs })
          const noon = days.noon(day)
          expect(days.of(noon)).toBe(day)
          expect(Temporal.Instant.fromEpochMilliseconds(noon).toZonedDateTimeISO(zone).hour).toBe(12)
        },
      ),
      { numRuns: 60 },
    )
  })

  it.each([
    ['Europe/Berlin', '2026-03-29', 23],
    ['Europe/Berlin', '2026-10-25', 25],
    ['Australia/Lord_Howe', '2026-04-05', 24.5],
    ['Australia/Lord_Howe', '2026-10-04', 23.5],
    ['Africa/Cairo', '2026-04-24', 23],
    ['America/Santiago', '2026-09-06', 23],
  ])('in %s on %s has %d hours', (zone, day, hours) => {
    const { startMs, endMs } = createUsageDays(zone).bounds(day)
    expect((endMs - startMs) / hourMs).toBe(hours)
  })

  it('that a zone skipped does not exist', () => {
    const days = createUsageDays('Pacific/Apia')
    const before = days.bounds('2011-12-29')
    expect(days.of(before.endMs)).toBe('2011-12-31')
    expect(() => days.bounds('2011-12-30')).toThrow(RangeError)
  })
})

it('before() and after() lead over days that the clocks of a zone change or leave out', () => {
  const apia = createUsageDays('Pacific/Apia')
  // Samoa went from the 29th to the 31st.
  expect([apia.after('2011-12-29'), apia.before('2011-12-31')]).toEqual(['2011-12-31', '2011-12-29'])
  const berlin = createUsageDays('Europe/Berlin')
  expect([berlin.before('2026-03-30'), berlin.after('2026-10-25')]).toEqual(['2026-03-29', '2026-10-26'])
})
