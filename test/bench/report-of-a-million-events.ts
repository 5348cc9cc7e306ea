import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmulator } from 'px-emulator'

/**
 * How long the page waits for charts of 90 days over a million events, asked over HTTP as the page asks, and what an event weighs.
 * Run with `npm run bench:report`.
 */
const total = 1_000_000
const days = 90
const dayMs = 86_400_000
const firstMs = Date.UTC(2026, 7, 25, 12)
const nowMs = firstMs + days * dayMs

/** A line of the default rollup, as the emulator keeps it. */
function eventAt(at: number): object {
  const user = Math.floor(at / days)
  const date = firstMs + (at % days) * dayMs
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
      day: new Date(date).toISOString().slice(0, 10),
      timeZone: 'UTC',
      rollupId: randomUUID(),
    },
    eventId: randomUUID(),
  }
}

async function writeEvents(file: string): Promise<void> {
  const stream = createWriteStream(file)
  for (let at = 0; at < total; at += 1) {
    if (!stream.write(`${JSON.stringify(['event', nowMs + at, eventAt(at)])}\n`)) await once(stream, 'drain')
  }
  stream.end()
  await once(stream, 'close')
}

async function usedBytes(): Promise<number> {
  // What held a buffer is found by the first sweep, the buffer itself is given back by a later one.
  for (let turn = 0; turn < 3; turn += 1) {
    globalThis.gc?.()
    await new Promise(setImmediate)
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

async function msOf(act: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await act()
  return performance.now() - startMs
}

const dir = await mkdtemp(join(tmpdir(), 'px-emulator-bench-'))
await writeEvents(join(dir, 'px-emulator.jsonl'))
const before = await usedBytes()
const startMs = performance.now()
const emulator = await startEmulator({ port: 0, dir, now: () => nowMs + total })
const loadMs = performance.now() - startMs
const perEvent = ((await usedBytes()) - before) / total
const jsonBytes = JSON.stringify(eventAt(0)).length

async function get(path: string): Promise<void> {
  const answer = await fetch(`${emulator.url}/${path}`, {
    headers: { 'X-APTRINSIC-API-KEY': emulator.apiKey },
  })
  if (!answer.ok) throw new Error(await answer.text())
  await answer.json()
}

function chart(wanted: string, scope: string, by: string, timeZone = 'Europe/Berlin'): () => Promise<void> {
  const query = { eventName: 'dailyApiCalls', property: 'apiCalls', function: wanted, scope, timeZone, by }
  return () => get(`_px-emulator/report?${new URLSearchParams(query)}`)
}

const lastMonth = new URLSearchParams({ eventName: 'dailyApiCalls', property: 'apiCalls', days: '30' })
const oneUser = new URLSearchParams({ filter: 'identifyId==user-77', dateRangeStart: String(firstMs) })
const asked: [name: string, act: () => Promise<void>][] = [
  ['Sum, daily', chart('Sum', 'Daily', '')],
  ['Sum, daily, by account', chart('Sum', 'Daily', 'accountId')],
  ['Average, weekly, by account', chart('Average', 'Weekly', 'accountId')],
  ['Sum, daily, by user', chart('Sum', 'Daily', 'identifyId')],
  ['unique users, monthly', chart('Users', 'Monthly', '')],
  ['Sum, daily, another zone', chart('Sum', 'Daily', '', 'America/New_York')],
  ['by a number that differs much', chart('Sum', 'Daily', 'apiCalls')],
  ['by an attribute that always differs', chart('Sum', 'Daily', 'rollupId')],
  ['tiles and top accounts', () => get(`_px-emulator/overview?${lastMonth}`)],
  ['a search in all events', () => get('_px-emulator/events?search=nothing-has-this')],
  ['what can be chosen', () => get('_px-emulator/catalog')],
  ['the newest events', () => get('_px-emulator/events')],
  ['GET of one user', () => get(`v1/events/custom?${oneUser}`)],
]
console.log(`| What | First | Later, median of 5 |\n|---|--:|--:|`)
console.log(`| memory per event | ${Math.round(perEvent)} bytes (${jsonBytes} as JSON) | |`)
console.log(`| start with a directory of them | ${Math.round(loadMs)} ms | |`)
for (const [name, act] of asked) {
  const first = await msOf(act)
  const later: number[] = []
  for (let turn = 0; turn < 5; turn += 1) later.push(await msOf(act))
  console.log(`| ${name} | ${Math.round(first)} ms | ${Math.round(later.sort((a, b) => a - b)[2]!)} ms |`)
}
await emulator.close()
await rm(dir, { recursive: true })
