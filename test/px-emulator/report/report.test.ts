import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createEventTable } from '../../../packages/px-emulator/src/columnar/event-table.ts'
import type { CustomEvent } from '../../../packages/px-emulator/src/events/custom-event.ts'
import { condition } from '../../../packages/px-emulator/src/query/filter.ts'
import { createDayColumns } from '../../../packages/px-emulator/src/report/day-columns.ts'
import { report as reportOf } from '../../../packages/px-emulator/src/report/report.ts'
import { type Scope, scopes } from '../../../packages/px-emulator/src/report/report-period.ts'
import {
  type ReportFunction,
  type ReportQuery,
  type ReportSettings,
  reportFunctions,
} from '../../../packages/px-emulator/src/report/report-query.ts'

const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Africa/Cairo',
]

function event(date: number, user: string, apiCalls?: unknown, more: object = {}): CustomEvent {
  return {
    eventId: '',
    eventName: 'dailyApiCalls',
    identifyId: user,
    propertyKey: 'AP-TEST-2',
    userType: 'USER',
    date,
    attributes: { ...(apiCalls === undefined ? {} : { apiCalls }), ...more },
  }
}

function report(events: readonly CustomEvent[], query: ReportQuery, settings: Partial<ReportSettings> = {}) {
  const table = createEventTable()
  for (const each of events) table.push(each, 0)
  table.reveal(0)
  return reportOf(table, query, {
    nowMs: Date.UTC(2026, 10, 24),
    weekStart: 'monday',
    averagePer: 'event',
    numericStrings: 'ignore',
    daysOf: createDayColumns(),
    ...settings,
  })
}

const query = {
  eventName: 'dailyApiCalls',
  property: 'apiCalls',
  function: 'Sum' as ReportFunction,
  scope: 'Daily' as Scope,
  timeZone: 'UTC',
}

/** The plainest reading: the label of every event from Intl, one by one, with no cache and no stepping. */
function naive(events: CustomEvent[], wanted: ReportFunction, scope: Scope, timeZone: string) {
  const groups = new Map<string, CustomEvent[]>()
  for (const each of events) {
    const parts = new Intl.DateTimeFormat('en-US', { timeZone, dateStyle: 'short' }).formatToParts(each.date)
    const part = (type: string) => Number(parts.find((found) => found.type === type)?.value)
    let label = new Date(Date.UTC(2000 + part('year'), part('month') - 1, part('day')))
    if (scope === 'Monthly') label = new Date(Date.UTC(label.getUTCFullYear(), label.getUTCMonth(), 1))
    while (scope === 'Weekly' && label.getUTCDay() !== 1) label = new Date(label.getTime() - 86_400_000)
    const key = label.toISOString().slice(0, 10)
    groups.set(key, [...(groups.get(key) ?? []), each])
  }
  return new Map(
    [...groups].map(([key, group]) => {
      const values = group.map(({ attributes }) => attributes.apiCalls as number)
      const sum = values.reduce((a, b) => a + b, 0)
      const results: Record<ReportFunction, number> = {
        Sum: sum,
        Average: sum / group.length,
        Count: group.length,
        Min: Math.min(...values),
        Max: Math.max(...values),
        Users: new Set(group.map(({ identifyId }) => identifyId)).size,
      }
      return [key, results[wanted]]
    }),
  )
}

test('every function and scope agrees with a naive reading, also over daylight-saving changes', () => {
  const changes = [
    '2026-03-08',
    '2026-03-29',
    '2026-04-05',
    '2026-04-24',
    '2026-10-25',
    '2026-10-30',
    '2026-11-01',
  ]
  const nearAChange = fc
    .tuple(fc.constantFrom(...changes), fc.integer({ min: -8 * 86_400_000, max: 8 * 86_400_000 }))
    .map(([day, offset]) => Date.parse(day) + offset)
  const events = fc.array(
    fc
      .tuple(nearAChange, fc.constantFrom('ann', 'bob', 'cyd'), fc.nat(1_000))
      .map(([date, user, calls]) => event(date, user, calls)),
    { minLength: 1, maxLength: 60 },
  )
  fc.assert(
    fc.property(
      events,
      fc.constantFrom(...reportFunctions),
      fc.constantFrom(...scopes),
      fc.constantFrom(...zones),
      (all, wanted, scope, timeZone) => {
        const range = { from: '2026-02-01', to: '2026-12-31' }
        const found = report(all, { ...query, ...range, function: wanted, scope, timeZone })
        const reference = naive(all, wanted, scope, timeZone)
        const empty = ['Sum', 'Count', 'Users'].includes(wanted) ? 0 : null
        expect([...reference.keys()].filter((period) => !found.periods.includes(period))).toEqual([])
        expect(found.series[0]?.values).toEqual(found.periods.map((period) => reference.get(period) ?? empty))
      },
    ),
    { numRuns: 200 },
  )
})

test('the lines of a breakdown add up to the whole, beyond nine lines too', () => {
  const one = fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 9 }), fc.nat(100))
  fc.assert(
    fc.property(fc.array(one, { minLength: 1, maxLength: 80 }), (all) => {
      const events = all.map(([endpoint, day, calls]) =>
        event(Date.UTC(2026, 10, 10 + day), 'ann', calls, { endpoint: `/${endpoint}` }),
      )
      const whole = report(events, query).series[0]!.values
      const { series } = report(events, { ...query, by: 'endpoint' })
      expect(series.length).toBeLessThanOrEqual(10)
      const total = whole.map((_, at) => series.reduce((sum, { values }) => sum + (values[at] ?? 0), 0))
      expect(total).toEqual(whole)
    }),
  )
})

test('of ten thousand values the nine largest are shown, and the rest together', () => {
  const calls = (at: number) => (at * 7_919) % 10_007
  const events = Array.from({ length: 10_000 }, (_, at) =>
    event(
      Date.UTC(2026, 10, 23, 12),
      'ann',
      calls(at),
      at % 2 === 0 ? { id: `id ${at}` } : { ID: `id ${at}`, at },
    ),
  )
  events.push(event(Date.UTC(2026, 10, 23, 12), 'ann', calls(9_000), { id: 'id 9000 too' }))
  const sizes = [...events.entries()].sort(
    ([a, one], [b, other]) => Number(other.attributes.apiCalls) - Number(one.attributes.apiCalls) || a - b,
  )
  const { series } = report(events, { ...query, by: 'id' })
  const nameOf = ({ attributes }: CustomEvent) => attributes.id ?? attributes.ID
  expect(series.map(({ name }) => name)).toEqual([
    ...sizes.slice(0, 9).map(([, each]) => nameOf(each)),
    '(9,992 more)',
  ])
  const rest = sizes.slice(9).reduce((sum, [, { attributes }]) => sum + Number(attributes.apiCalls), 0)
  expect(series.at(-1)?.values.at(-1)).toBe(rest)
})

test('a breakdown by a number has a line for each, and one for events without it', () => {
  const noon = Date.UTC(2026, 10, 23, 12)
  const events = [200, 200, 404, '404', undefined].map((status) =>
    event(noon, 'ann', 1, status === undefined ? {} : { status }),
  )
  const { series } = report(events, { ...query, by: 'status' })
  expect(series.map(({ name, values }) => [name, values.at(-1)])).toEqual([
    ['200', 2],
    ['404', 2],
    ['(none)', 1],
  ])
})

test('an average over endpoint rows is no daily total, and the report says how many there are', () => {
  const noon = Date.UTC(2026, 10, 23, 12)
  const rows = [100, 10, 10].map((calls) => event(noon, 'ann', calls))
  const average = report(rows, { ...query, function: 'Average' })
  expect(average.series[0]?.values.at(-1)).toBe(40)
  expect(average.eventsPerUserDay).toBe(3)
})

test('rows per user and day are counted per line but the rest, unless Average divides by days', () => {
  const noon = Date.UTC(2026, 10, 23, 12)
  const rows = Array.from({ length: 12 }, (_, at) => event(noon, 'ann', 20 - at, { endpoint: `/${at}` }))
  const perUserDay = (by: string, more: Partial<ReportSettings> = {}, all = rows) =>
    report(all, { ...query, function: 'Average', by }, more).eventsPerUserDay
  expect([perUserDay(''), perUserDay('accountId')]).toEqual([12, 12])
  expect(perUserDay('endpoint')).toBe(1)
  expect(perUserDay('endpoint', {}, [...rows, event(noon, 'ann', 5, { endpoint: '/0' })])).toBe(2)
  expect(perUserDay('', { averagePer: 'userDay' })).toBe(0)
})

test('an attribute is found in any case, and an event without a number in it is left out', () => {
  const noon = Date.UTC(2026, 10, 23, 12)
  const events = [event(noon, 'ann', undefined, { APICALLS: 5 }), event(noon, 'bob', '7'), event(noon, 'cyd')]
  const average = report(events, { ...query, function: 'Average' })
  expect(average.events).toBe(1)
  expect(average.series[0]?.values.at(-1)).toBe(5)
})

test('a chart that cannot be drawn is refused with the value in question', () => {
  expect(() => report([], { ...query, timeZone: 'Mars/Base' })).toThrow('Mars/Base')
  expect(() => report([], { ...query, from: 'soon' })).toThrow('soon')
  expect(() => report([], { ...query, scope: 'Yearly' as Scope })).toThrow('Yearly')
  expect(() => report([], { ...query, from: '1970-01-01', to: '2026-01-01' })).toThrow(
    'more than 1100 points',
  )
})

test('a filter compares numbers, texts in any case and patterns, and a missing field is empty', () => {
  const noon = Date.UTC(2026, 10, 23, 12)
  const events = [
    event(noon, 'ann', 1, { plan: 'Pro' }),
    event(noon, 'bob', 20, { plan: 'Free' }),
    event(noon, 'cyd', 300),
  ]
  const sum = (...filters: [string, string, string][]) =>
    report(events, { ...query, filters: filters.map((each) => condition(...each)) }).series[0]?.values.at(
      -1,
    ) ?? 0
  expect(sum(['plan', '==', 'pro'])).toBe(1)
  expect(sum(['plan', '!=', 'Pro'])).toBe(320)
  expect(sum(['plan', '~', '*r*'])).toBe(21)
  expect(sum(['apiCalls', '>=', '20'])).toBe(320)
  expect(sum(['APICALLS', '>', '9'], ['identifyId', '==', 'bob'])).toBe(20)
  expect(sum(['plan', '==', ''])).toBe(300)
})

test('texts of digits take part where the switch says so', () => {
  const noon = Date.UTC(2026, 10, 23, 12)
  const events = [event(noon, 'ann', '7'), event(noon, 'bob', 5), event(noon, 'cyd', '7 apples')]
  expect(report(events, query).series[0]?.values.at(-1)).toBe(5)
  expect(report(events, query, { numericStrings: 'count' }).series[0]?.values.at(-1)).toBe(12)
})

test('a week begins on Sunday where the switch says so', () => {
  const sunday = Date.UTC(2026, 10, 22, 12)
  const weekly = { ...query, scope: 'Weekly' as Scope, from: '2026-11-22', to: '2026-11-22' }
  expect(report([event(sunday, 'ann', 1)], weekly).periods).toEqual(['2026-11-16'])
  expect(report([event(sunday, 'ann', 1)], weekly, { weekStart: 'sunday' }).periods).toEqual(['2026-11-22'])
})

test('an average per user and day is the mean of the daily totals of the users', () => {
  const row = fc.tuple(fc.nat(20), fc.constantFrom('ann', 'bob', 'cyd'), fc.nat(100))
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 60 }), fc.constantFrom(...scopes), (all, scope) => {
      const events = all.map(([day, user, calls]) => event(Date.UTC(2026, 10, 1 + day, 12), user, calls))
      const range = { from: '2026-10-01', to: '2026-12-31', scope }
      const found = report(events, { ...query, ...range, function: 'Average' }, { averagePer: 'userDay' })
      const total = report(events, { ...query, ...range }).series[0]!.values
      const userDays = found.periods.map((period, at) => {
        const next = found.periods[at + 1] ?? '2027-01-01'
        const days = all.map(([day, user]) => [
          new Date(Date.UTC(2026, 10, 1 + day)).toISOString().slice(0, 10),
          user,
        ])
        const within = days.filter(([day]) => day! >= period && day! < next)
        return new Set(within.map((each) => each.join())).size
      })
      expect(found.series[0]?.values).toEqual(
        userDays.map((count, at) => (count === 0 ? null : total[at]! / count)),
      )
    }),
  )
})
