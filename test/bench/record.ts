import { createSeriesTable, type SeriesTable } from '../../packages/core/src/counting/series-table.ts'
import type { Endpoint } from '../../packages/core/src/model/endpoint.ts'

/**
 * What counting one call costs in the series table, and what a series weighs. The ids of every call are new strings, as if
 * they came out of a header, so that each must be hashed: `npm run bench:record`.
 */
const properties = Object.freeze({ apiType: 'RESTful' })
const accounts = 1_000
const callsPerRound = 50_000
const rounds = 15
const noLimit = Number.POSITIVE_INFINITY

interface Call {
  identity: { userId: string; accountId: string }
  counted: {
    endpoint: Endpoint
    properties: typeof properties
    statusCode: number
    aborted: boolean
  }
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

/** Endpoints are objects that attribution has once, as in a meter. */
function callsOf(series: Iterable<number>, routes: readonly string[]): Call[] {
  const endpoints = routes.map((route) => ({ method: 'GET', route }))
  return Array.from(series, (one) => {
    const user = Math.floor(one / routes.length)
    return {
      identity: { userId: fresh(`user-${user}`), accountId: fresh(`account-${user % accounts}`) },
      counted: {
        endpoint: endpoints[one % routes.length] as Endpoint,
        properties,
        statusCode: [200, 404, 500][one % 3] as number,
        aborted: one % 7 === 0,
      },
    }
  })
}

function count(table: SeriesTable, calls: readonly Call[]): void {
  for (const { identity, counted } of calls) table.addCall(identity, counted)
}

/** Reads what a call holds and counts nothing: the cost of the harness. In life the ids of a call were just written. */
function touch(calls: readonly Call[]): void {
  let sum = 0
  for (const { identity, counted } of calls) {
    const { endpoint, statusCode, aborted } = counted
    sum +=
      identity.userId.charCodeAt(0) + identity.accountId.charCodeAt(0) + endpoint.route.length + statusCode
    if (aborted) sum += 1
  }
  if (sum === 0) throw new Error('nothing was touched')
}

/** For comparison: a Map in a Map in a Map, down to an array of four numbers. */
type Nested = Map<string, Map<string, Map<string, number[]>>>

function countNested(nested: Nested, calls: readonly Call[]): void {
  for (const { identity, counted } of calls) {
    const { endpoint, statusCode, aborted } = counted
    const users = getOrAdd(nested, identity.accountId, () => new Map())
    const routes = getOrAdd(users, identity.userId, () => new Map())
    const values = getOrAdd(routes, endpoint.route, () => [0, 0, 0, 0])
    values[0] = (values[0] as number) + 1
    if (statusCode >= 500) values[2] = (values[2] as number) + 1
    else if (statusCode >= 400) values[1] = (values[1] as number) + 1
    if (aborted) values[3] = (values[3] as number) + 1
  }
}

function getOrAdd<V>(map: Map<string, V>, key: string, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}

/** Nanoseconds per call. */
function timed(calls: readonly Call[], count: (calls: readonly Call[]) => void): number {
  const startNs = process.hrtime.bigint()
  count(calls)
  return Number(process.hrtime.bigint() - startNs) / calls.length
}

function* random(below: number): Iterable<number> {
  for (let i = 0; i < callsPerRound; i++) yield Math.floor(Math.random() * below)
}

function* range(from: number, to: number): Iterable<number> {
  for (let i = from; i < to; i++) yield i
}

async function usedBytes(): Promise<number> {
  // What the turn before held is garbage in the next one only.
  await new Promise((resolve) => setImmediate(resolve))
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number
}

interface Measured {
  nestedNs: number
  leastNs: number
  newNs: number
  knownNs: number
  harnessNs: number
  bytesPerSeries: number
  bytesPerCall: number
}

async function measure(users: number, endpoints: number): Promise<Measured> {
  const routes = Array.from({ length: endpoints }, (_, at) => `/v1/things/:id/parts-${at}`)
  const total = users * endpoints
  const before = await usedBytes()
  const table = createTable()
  const newNs: number[] = []
  // A function of its own, so that no call is alive when the table is weighed.
  const add = (from: number) => {
    const calls = callsOf(range(from, Math.min(from + callsPerRound, total)), routes)
    newNs.push(timed(calls, (calls) => count(table, calls)))
  }
  for (let from = 0; from < total; from += callsPerRound) add(from)
  const bytesPerSeries = ((await usedBytes()) - before) / total
  const nested: Nested = new Map()
  for (let from = 0; from < total; from += callsPerRound) {
    countNested(nested, callsOf(range(from, Math.min(from + callsPerRound, total)), routes))
  }
  const knownNs: number[] = []
  const nestedNs: number[] = []
  const harnessNs: number[] = []
  let allocated = 0
  for (let round = 0; round < rounds; round++) {
    const calls = callsOf(random(total), routes)
    globalThis.gc?.()
    const heapBefore = process.memoryUsage().heapUsed
    knownNs.push(timed(calls, (calls) => count(table, calls)))
    allocated += process.memoryUsage().heapUsed - heapBefore
    harnessNs.push(timed(callsOf(random(total), routes), touch))
    nestedNs.push(timed(callsOf(random(total), routes), (calls) => countNested(nested, calls)))
  }
  return {
    newNs: median(newNs),
    knownNs: median(knownNs),
    harnessNs: median(harnessNs),
    leastNs: Math.min(...knownNs),
    nestedNs: median(nestedNs),
    bytesPerSeries,
    bytesPerCall: allocated / rounds / callsPerRound,
  }
}

const cases: Array<[users: number, endpoints: number]> = [
  [1_000, 20],
  [50_000, 20],
  [1_000_000, 1],
]
await measure(1_000, 20)
const rows: string[] = []
for (const [users, endpoints] of cases) {
  const measured = await measure(users, endpoints)
  const cells = [
    `${users} users x ${endpoints}`,
    `${Math.round(measured.knownNs)} ns`,
    `${Math.round(measured.leastNs)} ns`,
    `${Math.round(measured.harnessNs)} ns`,
    `${Math.round(measured.nestedNs)} ns`,
    `${Math.round(measured.newNs)} ns`,
    `${measured.bytesPerSeries.toFixed(1)} B`,
    `${measured.bytesPerCall.toFixed(2)} B`,
  ]
  rows.push(`| ${cells.join(' | ')} |`)
}
console.log(
  '| Series | call, known: median | least of the rounds | harness alone | nested Maps: median | call, new | memory per series | allocated per known call |',
)
console.log('|---|--:|--:|--:|--:|--:|--:|--:|')
console.log(rows.join('\n'))
