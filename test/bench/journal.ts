import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../packages/core/src/clock.ts'
import { createDayTables } from '../../packages/core/src/counting/day-tables.ts'
import { createIdleSeries } from '../../packages/core/src/counting/idle-series.ts'
import { apiCalls } from '../../packages/core/src/counting/instruments.ts'
import { createDiagnostics } from '../../packages/core/src/diagnostics.ts'
import { fileStore } from '../../packages/core/src/store/file-store.ts'
import type { CountBatch, OutboxLine, Store } from '../../packages/core/src/store/store.ts'
import { noLimits, ownProperties } from '../support/series-tables.ts'

/*
 * What the file store costs, beside the study's figures: `npm run bench:journal` prints a table in Markdown.
 *
 * Series are as in the study: a key of about 85 bytes, all four measures one or nothing.
 */
const day = '2026-11-23'
const table = {}
const endpoints = Array.from({ length: 20 }, (_, endpoint) => `/v1/resources/:id/parts/${endpoint}`)
let sequence = 0

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
      properties: {},
      endpoint: { method: 'GET', route: endpoints[id % 20] as string },
    }),
  }
}

/**
 * Runs a task and tells how long it took, and the most processor time that one turn of the event loop took: other programs
 * on the machine do not count in it.
 */
async function measure(task: () => unknown): Promise<{ tookMs: number; stallMs: number }> {
  const now = () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1_000
  }
  let last = now()
  let stallMs = 0
  let over = false
  const turn = () => {
    const at = now()
    stallMs = Math.max(stallMs, at - last)
    last = at
    if (!over) setImmediate(turn)
  }
  await new Promise((resolve) => setImmediate(resolve))
  last = now()
  setImmediate(turn)
  const from = performance.now()
  await task()
  const tookMs = performance.now() - from
  await new Promise((resolve) => setImmediate(resolve))
  over = true
  return { tookMs, stallMs }
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

async function open(dir: string): Promise<Store> {
  const store = fileStore({ dir })
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

const ms = (value: number) => `${value.toFixed(1)} ms`
const rows: string[][] = []

const dir = mkdtempSync(join(tmpdir(), 'px-usage-bench-'))
let store = await open(dir)
for (const [size, study, studyNew] of [
  [10_000, '0.6 ms', '16-37 ms'],
  [100_000, '8.7 ms', '121-147 ms'],
] as const) {
  const first = await measure(() => store.add(batchOf(0, size)))
  const runs: Array<{ tookMs: number; stallMs: number }> = []
  const before = bytesIn(dir)
  for (let run = 0; run < 15; run++) runs.push(await measure(() => store.add(batchOf(0, size))))
  const bytes = (bytesIn(dir) - before) / 15 / size
  const name = `flush of ${size.toLocaleString('en')} changed series`
  rows.push([
    `${name}, first sight`,
    `${ms(first.tookMs)} in all, longest stall ${ms(first.stallMs)}`,
    `${studyNew} blocking`,
  ])
  rows.push([
    name,
    `${ms(median(runs.map(({ tookMs }) => tookMs)))} in all, longest stall ${ms(Math.max(...runs.map(({ stallMs }) => stallMs)))}, ${bytes.toFixed(1)} B per series`,
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
      tables.of(day).addCall(identity, ownProperties, 'GET', endpoint?.route ?? '', 200, false)
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
    tables.letIdleLeave()
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

const million = mkdtempSync(join(tmpdir(), 'px-usage-bench-'))
store = await open(million)
const filling = await measure(async () => {
  for (let from = 0; from < 1_000_000; from += 50_000) await store.add(batchOf(from, 50_000))
})
rows.push(['writing 1,000,000 new series', `${ms(filling.tookMs)}, longest stall ${ms(filling.stallMs)}`, ''])
rows.push([
  'bytes per series on disk',
  `${(bytesIn(million) / 1_000_000).toFixed(0)} B`,
  '94 B with 2 deltas each',
])
await store.close()

globalThis.gc?.()
const rssBefore = process.memoryUsage().rss
const opening = await measure(async () => {
  store = await open(million)
})
rows.push([
  'open with 1,000,000 series left',
  `${ms(opening.tookMs)}, longest stall ${ms(opening.stallMs)}`,
  'port open < 200 ms',
])
let rssPeak = 0
let seen = 0
const reading = await measure(async () => {
  for await (const { values } of store.totals(day)) {
    seen += values[0] ?? 0
    if (seen % 10_000 === 0) rssPeak = Math.max(rssPeak, process.memoryUsage().rss)
  }
})
rows.push([
  `reading the totals of ${seen.toLocaleString('en')} series`,
  `${ms(reading.tookMs)}, longest stall ${ms(reading.stallMs)}, ${((rssPeak - rssBefore) / 2 ** 20).toFixed(0)} MB more`,
  '1.7 s into a Map; lag < 20 ms',
])
const closing = await measure(() =>
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
  `${ms(closing.tookMs)}, longest stall ${ms(closing.stallMs)}`,
  '',
])
const claims: number[] = []
const sending = await measure(async () => {
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
  `median ${ms(median(claims))}, longest stall ${ms(sending.stallMs)}`,
  '',
])
await store.close()
const reopening = await measure(async () => {
  store = await open(million)
})
rows.push([
  'open with 992,000 lines waiting',
  `${ms(reopening.tookMs)}, longest stall ${ms(reopening.stallMs)}`,
  '',
])
await store.close()
rmSync(million, { recursive: true })

console.log(`Node ${process.version}, ${cpus()[0]?.model}\n`)
console.log('| | measured | study |\n|---|---|---|')
for (const row of rows) console.log(`| ${row.join(' | ')} |`)
