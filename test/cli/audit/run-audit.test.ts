import { createHash } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createUsageDays } from '@px-usage/core/adapter'
import { type Emulator, startEmulator } from 'px-emulator'
import { afterEach, describe, expect, it } from 'vitest'
import { daysIn } from '../../../packages/cli/src/arguments/day-range.ts'
import type { EventFault, UntrueAverage } from '../../../packages/cli/src/audit/comparison.ts'
import { runAudit } from '../../../packages/cli/src/audit/run-audit.ts'
import type { SentRecord } from '../../../packages/cli/src/audit/sent-record.ts'
import { connectPx } from '../../../packages/cli/src/px/px-connection.ts'

/** Lines in all, of 10 days. `SOAK_AUDIT=1000000` for the full version. */
const lineCount = Number(process.env.SOAK_AUDIT ?? 20_000)
const range = { first: '2026-11-01', last: '2026-11-10' }
const days = createUsageDays('UTC')
const allDays = daysIn(range)
const noons = new Map(allDays.map((day) => [day, days.noon(day)]))
/** Planted faults of each kind, 1,000 in all. */
const planted = { missing: 450, doubled: 200, changed: 200, foreign: 150 }

let emulator: Emulator | undefined
const dir = mkdtempSync(join(tmpdir(), 'px-usage-audit-'))
afterEach(async () => {
  await emulator?.close()
  rmSync(dir, { recursive: true, force: true })
})

function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex')
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `a${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-')
}

/** The line of a number: two in five are totals of a user, the others have an endpoint. */
function lineOf(at: number) {
  const isTotal = at % 5 < 2
  const day = allDays[Math.floor((at * allDays.length) / lineCount)] as string
  const id = uuidOf(`line-${at}`)
  const noon = noons.get(day)
  const event = {
    eventName: isTotal ? 'dailyApiCalls' : 'dailyEndpointCalls',
    identifyId: `user-${at}`,
    accountId: `account-${at % 100}`,
    propertyKey: 'AP-DEMOEMULATOR-2',
    userType: 'USER',
    date: noon,
    attributes: {
      timestamp: noon,
      apiCalls: at % 1_000,
      apiErrors: at % 7,
      apiType: 'RESTful',
      ...(isTotal ? {} : { method: 'GET', endpoint: `/v1/things/${at % 50}` }),
      day,
      timeZone: 'UTC',
      rollupId: id,
    },
  }
  return { id, state: 'delivered' as const, event, day }
}

const record: SentRecord = {
  place: 'made up',
  countByDay: async () => {
    const counts = new Map<string, number>()
    for (let at = 0; at < lineCount; at++) {
      const day = allDays[Math.floor((at * allDays.length) / lineCount)] as string
      counts.set(day, (counts.get(day) ?? 0) + 1)
    }
    return counts
  },
  async *lines(wanted) {
    for (let at = 0; at < lineCount; at++) {
      const line = lineOf(at)
      if (wanted.has(line.day)) yield line
    }
  },
}

/** What was planted in a line, spread evenly over all lines. */
function plantedIn(at: number): keyof typeof planted | undefined {
  const every = Math.floor(lineCount / 1_000)
  const place = Math.floor(at / every)
  // The remainder spreads them over both names, and 7 has no common factor with 1000, so each kind is spread over all days.
  if (place >= 1_000 || at % every !== place % 5) return undefined
  let nth = (place * 7) % 1_000
  for (const [kind, count] of Object.entries(planted)) {
    if (nth < count) return kind as keyof typeof planted
    nth -= count
  }
  return undefined
}

/** Fills the folder of an emulator, so that a million events take seconds instead of minutes. */
function fillPx(): string[] {
  const file = openSync(join(dir, 'px-emulator.jsonl'), 'w')
  const expected: string[] = []
  let text = ''
  let eventId = 0
  const store = (event: object) => {
    text += `${JSON.stringify(['event', Date.UTC(2026, 10, 11), { eventId: uuidOf(`event-${eventId++}`), ...event }])}\n`
    if (text.length < 1_000_000) return
    writeSync(file, text)
    text = ''
  }
  for (let at = 0; at < lineCount; at++) {
    const { event } = lineOf(at)
    const kind = plantedIn(at)
    const { attributes } = event
    if (kind !== undefined) expected.push(`${kind} ${event.identifyId}`)
    if (kind === 'missing') continue
    store(
      kind === 'changed'
        ? { ...event, attributes: { ...attributes, apiCalls: attributes.apiCalls + 1 } }
        : event,
    )
    if (kind === 'doubled') store(event)
    // A copy of the event by another tool has no rollupId; one by another store of px-usage has another one.
    if (kind === 'foreign') {
      const { rollupId, ...rest } = attributes
      store({ ...event, attributes: at % 2 === 0 ? rest : { ...rest, rollupId: uuidOf(rollupId) } })
    }
  }
  writeSync(file, text)
  closeSync(file)
  return expected
}

async function audit(emulated: Emulator, more: Partial<Parameters<typeof runAudit>[1]> = {}) {
  const faults: EventFault[] = []
  const averages: UntrueAverage[] = []
  const px = connectPx({ baseUrl: emulated.url, apiKey: emulated.apiKey })
  let pages = 0
  let expectedPages = 0
  const result = await runAudit(px, {
    range,
    days,
    record,
    productKey: undefined,
    names: [],
    pageSize: 1_000,
    signal: new AbortController().signal,
    onFault: (fault) => void faults.push(fault),
    onUntrueAverage: (average) => void averages.push(average),
    onPages(expected) {
      expectedPages = expected
    },
    onPage() {
      pages += 1
    },
    ...more,
  })
  await px.close()
  return { ...result, faults, averages, requests: px.requests, pages, expectedPages }
}

describe(`the audit of ${lineCount} lines`, () => {
  it('finds 1,000 planted faults, no other, in a request for each 1,000 events', async () => {
    const expected = fillPx()
    expect(expected).toHaveLength(1_000)
    emulator = await startEmulator({ port: 0, dir, switches: { requestsPerSecond: null } })
    const before = process.memoryUsage().arrayBuffers
    const startedMs = performance.now()
    let most = 0
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    }, 50)
    const { faults, totals, requests, pages, expectedPages, averages } = await audit(emulator)
    clearInterval(watch)
    const seconds = (performance.now() - startedMs) / 1_000
    expect(faults.map(({ kind, userId }) => `${kind} ${userId}`).sort()).toEqual(expected.sort())
    expect(requests).toBeLessThanOrEqual(lineCount / 1_000)
    expect([pages, expectedPages]).toEqual([requests, lineCount / 1_000])
    expect(averages).toEqual([])
    const sent = totals.reduce((sum, one) => sum + one.sent, 0)
    expect(sent).toBe(lineCount)
    if (lineCount >= 1_000_000) {
      const mb = Math.round(most / 1024 / 1024)
      console.log(`${lineCount} lines: ${requests} requests, ${Math.round(seconds)} s, tables ${mb} MB`)
    }
  }, 1_200_000)
})
