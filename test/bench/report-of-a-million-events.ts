import { randomUUID } from 'node:crypto'
import type { CustomEvent } from '../../packages/px-emulator/src/custom-event.ts'
import { report } from '../../packages/px-emulator/src/report.ts'

/** How long a 90-day chart takes over a million events, and what an event weighs. Run with `node --expose-gc --import tsx`. */
const total = 1_000_000
const dayMs = 86_400_000
const firstMs = Date.UTC(2026, 7, 25, 12)

function heapBytes(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

const before = heapBytes()
const events = Array.from({ length: total }, (_, at): CustomEvent => {
  const date = firstMs + (at % 90) * dayMs
  const day = new Date(date).toISOString().slice(0, 10)
  // As they come in: every event has been through JSON.
  return JSON.parse(
    JSON.stringify({
      eventId: randomUUID(),
      eventName: 'dailyApiCalls',
      identifyId: `user-${Math.floor(at / 90)}`,
      accountId: `account-${Math.floor(at / 90) % 500}`,
      propertyKey: 'AP-DEMOEMULATOR-2',
      userType: 'USER',
      date,
      attributes: { timestamp: date, apiCalls: at % 997, apiType: 'RESTful', day, timeZone: 'UTC' },
    }),
  )
})
const bytesPerEvent = (heapBytes() - before) / total

const rows: [string, string][] = [['memory per event', `${Math.round(bytesPerEvent)} bytes`]]
for (const [scope, by] of [
  ['Daily', ''],
  ['Weekly', 'accountId'],
  ['Daily', 'identifyId'],
] as const) {
  const startMs = performance.now()
  report(events, {
    eventName: 'dailyApiCalls',
    property: 'apiCalls',
    function: 'Average',
    scope,
    timeZone: 'Europe/Berlin',
    by,
  })
  rows.push([`90 days, ${scope}, by ${by || 'nothing'}`, `${Math.round(performance.now() - startMs)} ms`])
}
console.log(['| What | Measured |', '|---|---|', ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n'))
