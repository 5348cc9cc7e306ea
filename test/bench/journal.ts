import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../packages/core/src/clock.ts'
import { createDayTables } from '../../packages/core/src/counting/day-tables.ts'
import { createIdleSeries } from '../../packages/core/src/counting/idle-series.ts'
import { apiCalls } from '../../packages/core/src/counting/instruments.ts'
import { createDiagnostics } from '../../packages/core/src/diagnostics.ts'
import { realDisk } from '../../packages/core/src/files/disk.ts'
import { compactJournal } from '../../packages/core/src/journal/compact-journal.ts'
import type { OutboxLine } from '../../packages/core/src/model/outbox-line.ts'
import type { CountBatch } from '../../packages/core/src/model/series.ts'
import type { Store } from '../../packages/core/src/model/store.ts'
import { fileStoreOn } from '../../packages/core/src/stores/file-store.ts'
import { noLimits, ownProperties } from '../support/series-tables.ts'
import { type Timed, timed } from './stall-probe.ts'

/*
 * What the file store costs, beside the study's figures: `npm run bench:journal` prints a table in Markdown, with a Node from 23.9 on
 * with stalls that hold the work of no other thread.
 *
 * Series are as in the study: a key of about 85 bytes, all four measures one or nothing.
 */
const day = '2026-11-23'
const table = {}
const endpoints = Array.from({ length: 20 }, (_, endpoint) => `/v1/resources/:id/parts/${endpoint}`)
let sequence = 0
const batchSize = 4_096

function batchOf(from: number, size: number): CountBatch {
  sequence += 1
  const gained = [1, 0, 0, 0]
  return {
    day,
    sequence,
    size,
    table,
    forEach(visit) {
      for (let id = from; id < from + size; id++) visit(id, gained)
    },
    describe: (id) => ({
      instrument: apiCalls,
      identity: { userId: `user-${Math.floor(id / 20)}`, accountId: `account-${Math.floor(id / 2_000)}` },
      properties: ownProperties,
      endpoint: { method: 'GET', route: endpoints[id % 20] as string },
    }),
  }
}

/** A flush, in the batches that the tables of a day make. */
async function addAll(size: number): Promise<void> {
  for (let from = 0; from < size; from += batchSize) {
    await store.add(batchOf(from, Math.min(batchSize, size - from)))
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function usedBytes(): Promise<number> {
  // What turns before held is garbage only later, and the memory of arrays is given back beside the program.
  for (let round = 0; round < 3; round++) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    globalThis.gc?.()
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

async function open(dir: string, segmentBytes?: number): Promise<Store> {
  const store = fileStoreOn(realDisk, { dir }, segmentBytes)
  await store.open({ clock: systemClock, diagnostics: createDiagnostics(), timeZone: 'UTC' })
  return store
}

function bytesIn(dir: string): number {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(join(dir, name)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0)
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] as number
}

const inMs = (value: number) => `${value.toFixed(1)} ms`
const rows: string[][] = []

const dir = mkdtempSync(join(tmpdir(), 'px-usage-bench-'))
let store = await open(dir)
for (const [size, study, studyNew] of [
  [10_000, '0.6 ms', '16-37 ms'],
  [100_000, '8.7 ms', '121-147 ms'],
] as const) {
  const first = await timed(() => addAll(size))
  const runs: Timed[] = []
  const before = bytesIn(dir)
  for (let run = 0; run < 15; run++) runs.push(await timed(() => addAll(size)))
  const bytes = (bytesIn(dir) - before) / 15 / size
  const name = `flush of ${size.toLocaleString('en')} changed series`
  rows.push([
    `${name}, first sight`,
    `${inMs(first.ms)} in all, longest stall ${inMs(first.stallMs)}`,
    `${studyNew} blocking`,
  ])
  rows.push([
    name,
    `${inMs(median(runs.map(({ ms }) => ms)))} in all, longest stall ${inMs(Math.max(...runs.map(({ stallMs }) => stallMs)))}, ${bytes.toFixed(1)} B per series`,
    `${study} blocking, 3.0-3.8 B per series`,
  ])
}
{
  const times: number[] = []
  for (let run = 0; run < 20_000; run++) {
    const batch = batchOf(run % 10_000, 1)
    const from = performance.now()
    store.add(batch)
    times.push(performance.now() - from)
    if (run % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  const sorted = times.sort((a, b) => a - b)
  rows.push([
    'flush of one call (one turn)',
    `p50 ${((sorted[10_000] as number) * 1_000).toFixed(1)} us, p99 ${((sorted[19_800] as number) * 1_000).toFixed(1)} us`,
    '1.6-2.0 us for the write alone',
  ])
}
await store.close()
rmSync(dir, { recursive: true })

{
  const memory = mkdtempSync(join(tmpdir(), 'px-usage-bench-'))
  store = await open(memory)
  let elapsed = 0
  const tables = createDayTables({
    store,
    limits: noLimits,
    properties: ownProperties,
    diagnostics: createDiagnostics(),
    idle: createIdleSeries(noLimits, () => elapsed),
  })
  const count = (series: number) => {
    for (let id = 0; id < series; id++) {
      const { identity, endpoint } = batchOf(0, 0).describe(id)
      tables.of(day).addCall(identity, {
        properties: ownProperties,
        endpoint: { method: 'GET', route: endpoint?.route ?? '' },
        statusCode: 200,
        aborted: false,
      })
    }
    return tables.store()
  }
  const before = await usedBytes()
  await count(1_000_000)
  const bytes = (await usedBytes()) - before
  rows.push([
    'bytes per series in memory, 1,000,000 series of 50,000 users',
    `${(bytes / 1_000_000).toFixed(0)} B`,
    '79 B in nested Maps, 131 B in one with joined keys',
  ])
  for (const active of [1_000, 0]) {
    elapsed += 900_000
    tables.releaseIdle()
    await count(active)
  }
  const left = (await usedBytes()) - before
  rows.push([
    'the same half an hour later, 1,000 of them called',
    `${(left / 2 ** 20).toFixed(1)} of ${(bytes / 2 ** 20).toFixed(1)} MB are left`,
    '',
  ])
  await store.close()
  rmSync(memory, { recursive: true })
}

{
  const parts = mkdtempSync(join(tmpdir(), 'px-usage-bench-'))
  // Two full files: the second is begun by the first flush that finds the first one full.
  store = await open(parts, 1_000_000)
  for (let round = 0; round < 3; round++) await addAll(240_000)
  await store.close()
  const [name = ''] = readdirSync(join(parts, 'journals', day))
  const journalId = name.split('.')[0] as string
  const joining = await timed(() => compactJournal(realDisk, parts, { day, journalId, lastSegment: 2 }))
  rows.push([
    'joining two full files of 240,000 series',
    `${inMs(joining.ms)}, longest stall ${inMs(joining.stallMs)}`,
    '',
  ])
  rmSync(parts, { recursive: true })
}

const million = mkdtempSync(join(tmpdir(), 'px-usage-bench-'))
store = await open(million)
const filling = await timed(async () => {
  await addAll(1_000_000)
})
rows.push(['writing 1,000,000 new series', `${inMs(filling.ms)}, longest stall ${inMs(filling.stallMs)}`, ''])
rows.push([
  'bytes per series on disk',
  `${(bytesIn(million) / 1_000_000).toFixed(0)} B`,
  '94 B with 2 deltas each',
])
await store.close()

globalThis.gc?.()
const rssBefore = process.memoryUsage().rss
const opening = await timed(async () => {
  store = await open(million)
})
rows.push([
  'open with 1,000,000 series left',
  `${inMs(opening.ms)}, longest stall ${inMs(opening.stallMs)}`,
  'port open < 200 ms',
])
let rssPeak = 0
let seen = 0
const reading = await timed(async () => {
  for await (const { values } of store.totals(day)) {
    seen += values[0] ?? 0
    if (seen % 10_000 === 0) rssPeak = Math.max(rssPeak, process.memoryUsage().rss)
  }
})
rows.push([
  `reading the totals of ${seen.toLocaleString('en')} series`,
  `${inMs(reading.ms)}, longest stall ${inMs(reading.stallMs)}, ${((rssPeak - rssBefore) / 2 ** 20).toFixed(0)} MB more`,
  '1.7 s into a Map; lag < 20 ms',
])
const closing = await timed(() =>
  store.closeDay(day, async function* (totals): AsyncGenerator<OutboxLine> {
    let line = 0
    for await (const { values } of totals) {
      line += 1
      const body = JSON.stringify({
        eventName: 'dailyEndpointCalls',
        id: line,
        calls: values[0],
        filler: 'x'.repeat(300),
      })
      yield { id: `line-${line}`, day, kind: 'event', rank: 'detail', body, calls: values[0] ?? 0 }
    }
  }),
)
rows.push([
  'closing that day into 1,000,000 lines',
  `${inMs(closing.ms)}, longest stall ${inMs(closing.stallMs)}`,
  '',
])
const claims: number[] = []
const sending = await timed(async () => {
  for (let claim = 0; claim < 1_000; claim++) {
    const from = performance.now()
    const { lines } = await store.claim(8)
    const ids = lines.map(({ id }) => id)
    await store.markAttempts(ids, Date.now())
    await store.settle(ids.map((id) => ({ id, state: 'delivered' })))
    claims.push(performance.now() - from)
  }
})
rows.push([
  'claim, mark and settle 8 of 1,000,000 lines',
  `median ${inMs(median(claims))}, longest stall ${inMs(sending.stallMs)}`,
  '',
])
await store.close()
const reopening = await timed(async () => {
  store = await open(million)
})
rows.push([
  'open with 992,000 lines waiting',
  `${inMs(reopening.ms)}, longest stall ${inMs(reopening.stallMs)}`,
  '',
])
await store.close()
rmSync(million, { recursive: true })

console.log(`Node ${process.version}, ${cpus()[0]?.model}\n`)
console.log('| | measured | study |\n|---|---|---|')
for (const row of rows) console.log(`| ${row.join(' | ')} |`)
