import { createDayTables } from '../../packages/core/src/counting/day-tables.ts'
import { createIdleSeries } from '../../packages/core/src/counting/idle-series.ts'
import { apiCalls } from '../../packages/core/src/counting/instruments.ts'
import { type RollUpSettings, rollUp } from '../../packages/core/src/day/rollup.ts'
import { createDiagnostics } from '../../packages/core/src/diagnostics.ts'
import type { SeriesTotal } from '../../packages/core/src/model/series.ts'
import type { Store } from '../../packages/core/src/model/store.ts'
import { defaults } from '../../packages/core/src/options/parse-options.ts'
import { memoryStore } from '../../packages/core/src/stores/memory-store.ts'
import { noLimits, ownProperties } from '../support/series-tables.ts'
import { createProbe, timed } from './stall-probe.ts'

/**
 * What many series cost: memory, and the longest time for which the event loop stands still while they are made, handed to
 * a store and rolled up: `npm run bench:scale`, with a Node from 23.9 on for stalls that hold the work of no other thread.
 */
const endpoints = 20
const accounts = 1_000
const day = '2026-11-23'
const routes = Array.from({ length: endpoints }, (_, at) => `/v1/things/:id/parts-${at}`)
const statusCodes = [200, 200, 404, 500]

function fresh(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}

async function usedBytes(): Promise<number> {
  // What the turn before held is garbage in the next one only.
  await new Promise((resolve) => setImmediate(resolve))
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** A store that reads every batch as a journal does, and keeps nothing. */
function readingStore(): Store & { read: number } {
  return {
    ...memoryStore(),
    read: 0,
    add(batch) {
      batch.forEach((_id, gained) => {
        for (let measure = 0; measure < gained.length; measure++) this.read += gained[measure] as number
      })
    },
  }
}

/** The totals of a day as they come out of a store: every identity and endpoint is an object of its own. */
function* totals(users: number): Iterable<SeriesTotal> {
  const instrument = { ...apiCalls }
  for (let user = 0; user < users; user++) {
    for (const route of routes) {
      const identity = { userId: fresh(`user-${user}`), accountId: fresh(`account-${user % accounts}`) }
      const endpoint = { method: 'GET', route }
      yield {
        series: { instrument, identity, properties: ownProperties, endpoint },
        values: [7, 2, 1, 0],
      }
    }
  }
}

async function measure(users: number): Promise<string[]> {
  const series = users * endpoints
  const store = readingStore()
  const diagnostics = createDiagnostics()
  const tables = createDayTables({
    store,
    limits: noLimits,
    properties: ownProperties,
    diagnostics,
    idle: createIdleSeries(noLimits, () => performance.now()),
  })
  const table = tables.of(day)

  /** The longest that the calls of one user took together. */
  function countAll(): number {
    const probe = createProbe()
    for (let user = 0; user < users; user++) {
      const identity = { userId: fresh(`user-${user}`), accountId: fresh(`account-${user % accounts}`) }
      for (let at = 0; at < endpoints; at++) {
        const statusCode = statusCodes[at % 4] as number
        table.addCall(identity, {
          properties: ownProperties,
          endpoint: { method: 'GET', route: routes[at] as string },
          statusCode,
          aborted: at % 2 === 0,
        })
      }
      probe.look()
    }
    return probe.longestMs()
  }

  const before = await usedBytes()
  const longestNewMs = countAll()
  const bytes = ((await usedBytes()) - before) / series
  const stored = await timed(() => tables.store())
  const longestKnownMs = countAll()
  if (tables.stored() !== series) throw new Error(`${tables.stored()} of ${series} are stored`)
  const settings: RollUpSettings = {
    rollups: defaults.rollups,
    day,
    timeZone: 'UTC',
    revision: 0,
    namespace: 'AP-BENCH-2',
  }
  let lines = 0
  const rolled = await timed(async () => {
    for await (const _usage of rollUp(totals(users), settings)) lines += 1
  })
  return [
    series.toLocaleString('en'),
    `${bytes.toFixed(1)} B`,
    `${longestNewMs.toFixed(1)} ms`,
    `${longestKnownMs.toFixed(1)} ms`,
    `${stored.ms.toFixed(0)} ms, ${stored.stallMs.toFixed(1)} ms`,
    `${rolled.ms.toFixed(0)} ms, ${rolled.stallMs.toFixed(1)} ms`,
    lines.toLocaleString('en'),
  ]
}

await measure(500)
const rows: string[][] = []
const sizes = process.env.SERIES ? [Number(process.env.SERIES)] : [10_000, 100_000, 1_000_000]
for (const series of sizes) rows.push(await measure(series / endpoints))
console.log(
  '| Series | memory each | longest of 20 adds, new | known | all to the store: time, longest stall | rollup: time, longest stall | lines |',
)
console.log('|--:|--:|--:|--:|--:|--:|--:|')
for (const row of rows) console.log(`| ${row.join(' | ')} |`)
