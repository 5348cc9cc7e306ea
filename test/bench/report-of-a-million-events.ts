import { randomUUID } from 'node:crypto'
import type { CustomEvent } from '../../packages/px-emulator/src/custom-event.ts'
import { createDayColumns } from '../../packages/px-emulator/src/day-columns.ts'
import { queryEvents } from '../../packages/px-emulator/src/event-query.ts'
import { createEventTable } from '../../packages/px-emulator/src/event-table.ts'
import { type ReportFunction, report } from '../../packages/px-emulator/src/report.ts'
import type { Scope } from '../../packages/px-emulator/src/report-period.ts'

/** How long charts over a million events take, and what an event weighs. Run with `node --expose-gc --import tsx`. */
const total = 1_000_000
const days = 90
const dayMs = 86_400_000
const firstMs = Date.UTC(2026, 7, 25, 12)
const nowMs = firstMs + days * dayMs

function usedBytes(): number {
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** A line of the default rollup, as it comes in. */
function eventAt(at: number): CustomEvent {
  const user = Math.floor(at / days)
  const date = firstMs + (at % days) * dayMs
  const day = new Date(date).toISOString().slice(0, 10)
  return {
    eventName: 'dailyApiCalls',
    identifyId: `user-${user}`,
    accountId: `account-${user % 500}`,
    propertyKey: 'AP-DEMOEMULATOR-2',
    userType: 'USER',
    date,
    attributes: {
      timestamp: date,
      apiCalls: (at * 7_919) % 99_991,
      clientErrors: at % 97,
      serverErrors: at % 11,
      aborted: at % 3,
      apiType: 'RESTful',
      day,
      timeZone: 'UTC',
      rollupId: randomUUID(),
    },
    eventId: randomUUID(),
  }
}

const before = usedBytes()
const table = createEventTable()
for (let at = 0; at < total; at += 1) table.push(eventAt(at), nowMs + at)
table.reveal(nowMs + total)
const perEvent = (usedBytes() - before) / total
const jsonBytes = JSON.stringify(table.at(0)).length

const daysOf = createDayColumns()
const settings = {
  nowMs,
  weekStart: 'monday',
  averagePer: 'event',
  numericStrings: 'ignore',
  daysOf,
} as const

function timeOf(act: () => unknown): string {
  const startMs = performance.now()
  act()
  return `${Math.round(performance.now() - startMs)} ms`
}

function chart(wanted: ReportFunction, scope: Scope, by: string, timeZone = 'Europe/Berlin'): () => unknown {
  const query = { eventName: 'dailyApiCalls', property: 'apiCalls', function: wanted, scope, timeZone, by }
  return () => report(table, query, settings)
}

const rows: string[][] = [
  ['memory per event', `${Math.round(perEvent)} bytes (${jsonBytes} as JSON)`, ''],
  ...(
    [
      ['Sum, daily', chart('Sum', 'Daily', '')],
      ['Sum, daily, by account', chart('Sum', 'Daily', 'accountId')],
      ['Average, weekly, by account', chart('Average', 'Weekly', 'accountId')],
      ['Sum, daily, by user', chart('Sum', 'Daily', 'identifyId')],
      ['unique users, monthly', chart('Users', 'Monthly', '')],
      ['Sum, daily, another zone', chart('Sum', 'Daily', '', 'America/New_York')],
      ['by an attribute that always differs', chart('Sum', 'Daily', 'rollupId')],
      [
        'GET of one user',
        () =>
          queryEvents(
            table,
            new URLSearchParams({ filter: 'identifyId==user-77', dateRangeStart: String(firstMs) }),
            { nowMs, visible: total, lastScrollId: true },
          ),
      ],
    ] as const
  ).map(([name, act]) => [name, timeOf(act), timeOf(act)]),
]
console.log(
  ['| What | First | Again |', '|---|--:|--:|', ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n'),
)
