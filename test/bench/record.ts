import { createSeriesTable, type SeriesTable } from '../../packages/core/src/counting/series-table.ts'

/**
 * What counting one call costs in the series table, and what a series weighs. The ids of every call are new strings, as if
 * they came out of a header, so that each must be hashed. Run with `node --expose-gc --import tsx`.
 */
const properties = Object.freeze({ apiType: 'RESTful' })
const accounts = 1_000
const callsPerRound = 50_000
const rounds = 21
const noLimit = Number.POSITIVE_INFINITY

interface Call {
  identity: { userId: string; accountId: string }
  route: string
  statusCode: number
  aborted: boolean
}

function createTable(): SeriesTable {
  return createSeriesTable({
    limits: { series: noLimit, endpointsPerIdentity: noLimit, propertySets: noLimit, users: noLimit },
    properties,
    onFold() {},
    onSaturation() {},
  })
}

/** A string that no other shares its memory with, and that nobody hashed. */
function fresh(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}

function callsOf(series: Iterable<number>, routes: readonly string[]): Call[] {
  return Array.from(series, (one) => {
    const user = Math.floor(one / routes.length)
    return {
      identity: { userId: fresh(`user-${user}`), accountId: fresh(`account-${user % accounts}`) },
      route: routes[one % routes.length] as string,
      statusCode: [200, 404, 500][one % 3] as number,
      aborted: one % 7 === 0,
    }
  })
}

function count(table: SeriesTable, calls: readonly Call[]): void {
  for (const { identity, route, statusCode, aborted } of calls) {
    table.addCall(identity, properties, 'GET', route, statusCode, aborted)
  }
}

/** Nanoseconds per call. */
function timed(table: SeriesTable, calls: readonly Call[]): number {
  const startNs = process.hrtime.bigint()
  count(table, calls)
  return Number(process.hrtime.bigint() - startNs) / calls.length
}

function* random(below: number): Iterable<number> {
  for (let i = 0; i < callsPerRound; i++) yield Math.floor(Math.random() * below)
}

function* range(from: number, to: number): Iterable<number> {
  for (let i = from; i < to; i++) yield i
}

function usedBytes(): number {
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number
}

interface Measured {
  newNs: number
  knownNs: number
  bytesPerSeries: number
  bytesPerCall: number
}

function measure(users: number, endpoints: number): Measured {
  const routes = Array.from({ length: endpoints }, (_, at) => `/v1/things/:id/parts-${at}`)
  const total = users * endpoints
  const before = usedBytes()
  const table = createTable()
  const newNs: number[] = []
  for (let from = 0; from < total; from += callsPerRound) {
    newNs.push(timed(table, callsOf(range(from, Math.min(from + callsPerRound, total)), routes)))
  }
  const bytesPerSeries = (usedBytes() - before) / total
  const knownNs: number[] = []
  let allocated = 0
  for (let round = 0; round < rounds; round++) {
    const calls = callsOf(random(total), routes)
    globalThis.gc?.()
    const heapBefore = process.memoryUsage().heapUsed
    knownNs.push(timed(table, calls))
    allocated += process.memoryUsage().heapUsed - heapBefore
  }
  return {
    newNs: median(newNs),
    knownNs: median(knownNs),
    bytesPerSeries,
    bytesPerCall: allocated / rounds / callsPerRound,
  }
}

const cases: Array<[users: number, endpoints: number]> = [
  [1_000, 20],
  [50_000, 20],
  [1_000_000, 1],
]
measure(1_000, 20)
const rows = cases.map(([users, endpoints]) => {
  const { newNs, knownNs, bytesPerSeries, bytesPerCall } = measure(users, endpoints)
  const cells = [
    `${users} users x ${endpoints}`,
    `${Math.round(knownNs)} ns`,
    `${Math.round(newNs)} ns`,
    `${bytesPerSeries.toFixed(1)} B`,
    `${bytesPerCall.toFixed(2)} B`,
  ]
  return `| ${cells.join(' | ')} |`
})
console.log('| Series | call, known | call, new | memory per series | allocated per known call |')
console.log('|---|--:|--:|--:|--:|')
console.log(rows.join('\n'))
