import { createServer, type RequestListener } from 'node:http'
import { type HeapProfiler, Session } from 'node:inspector/promises'
import Router from '@koa/router'
import { createMeter, memoryStore } from '@px-usage/core'
import { inMemoryDelivery } from '@px-usage/core/testing'
import { pxUsage as usageOfExpress } from '@px-usage/express'
import { pxUsage as usageOfKoa } from '@px-usage/koa'
import express from 'express'
import Koa from 'koa'
import { connectInMemory } from './in-memory-client.ts'

/**
 * Measures what calls allocate: `added-call-child.ts express|koa|record [bare]`. Needs `--expose-gc`, a young generation that holds
 * what `callsPerWindow` calls allocate, and no optimizing compiler: it would inline functions and leave out some of the objects,
 * others in each run. Prints `Allocations` as JSON.
 */
export interface Allocations {
  /** Bytes that one call allocates in the whole process. */
  bytes: number
  /** Bytes that one call allocates in functions of px-usage, by file and function; what they call in Node follows ` > `. */
  byFunction: Record<string, number>
  /** Bytes of one call that are still in use after its garbage was collected; not of `bare`. */
  kept: number
  /** Bytes in use for each of 20,000 series; only of `record`. */
  perSeries: number | undefined
  made: number
  counted: number
}

const [scenario = 'record', variant] = process.argv.slice(2)
const callsPerWindow = 1_000
const keptCalls = scenario === 'record' ? 100_000 : variant === 'bare' ? 0 : 5_000
const userCount = 100

interface User {
  id: string
  orgId: string
}
const users = new Map<string, User>()
for (let at = 0; at < userCount; at++)
  users.set(`key-${at}`, { id: `user-${at}`, orgId: `account-${at % 5}` })
const identities = new Map(
  [...users.values()].map((user) => [user, { userId: user.id, accountId: user.orgId }]),
)

// A timer that stores counts in the middle of a window would make the figures differ from run to run.
const store = { ...memoryStore(), flushAfterMs: 3_600_000 }
const meter = createMeter({ store, delivery: inMemoryDelivery().delivery })
/** What the callback of the app returns is not an allocation of px-usage, so it exists already. */
const identityOf = (user: User | undefined) => user && identities.get(user)

const requests = Array.from({ length: 400 }, (_, at) => {
  const head = `Host: localhost\r\nX-Api-Key: key-${at % userCount}\r\n`
  const path = at % 4 === 0 ? `/v1/users/${at}` : `/v1/projects/${at % 7}/items/${at}`
  return Buffer.from(`GET ${path} HTTP/1.1\r\n${head}\r\n`)
})

function expressApp(): RequestListener {
  const app = express()
  if (variant !== 'bare') app.use(usageOfExpress({ meter, identify: (req) => identityOf(req.user) }))
  app.use((req, _res, next) => {
    req.user = users.get(String(req.headers['x-api-key'])) as User
    next()
  })
  app.get('/v1/users/:id', (req, res) => void res.json({ id: req.params.id }))
  const project = express.Router({ mergeParams: true })
  project.get('/items/:item', (req, res) => void res.json({ id: req.params.item }))
  app.use('/v1/projects/:project', project)
  return app
}

function koaApp(): RequestListener {
  const app = new Koa()
  if (variant !== 'bare') app.use(usageOfKoa({ meter, identify: (ctx) => identityOf(ctx.state.user) }))
  app.use((ctx, next) => {
    ctx.state.user = users.get(String(ctx.req.headers['x-api-key']))
    return next()
  })
  const router = new Router()
  router.get('/v1/users/:id', (ctx) => {
    ctx.body = { id: ctx.params.id }
  })
  const project = new Router()
  project.get('/items/:item', (ctx) => {
    ctx.body = { id: ctx.params.item }
  })
  router.use('/v1/projects/:project', project.routes())
  app.use(router.routes())
  return app.callback()
}

const knownCalls = [...identities.values()].map((identity, at) => ({
  ...{ identity, method: 'GET', route: `/v1/things/:id/parts-${at % 4}`, statusCode: 200, aborted: false },
}))

async function record(count: number): Promise<void> {
  for (let call = 0; call < count; call++) {
    meter.record(knownCalls[call % userCount] as (typeof knownCalls)[0])
    if (call % 32 === 31) await new Promise(setImmediate)
  }
}

function createScenario(): (count: number) => Promise<void> {
  if (scenario === 'record') return record
  const client = connectInMemory(createServer(scenario === 'express' ? expressApp() : koaApp()), requests)
  return client.send
}

const makeCalls = createScenario()
let made = 0
async function call(count: number): Promise<void> {
  await makeCalls(count)
  made += count
}

async function heapKept(): Promise<number> {
  await meter.flush()
  for (let turn = 0; turn < 3; turn++) {
    await new Promise(setImmediate)
    globalThis.gc?.()
  }
  return process.memoryUsage().heapUsed
}

const sums = new Map<string, number>()

/**
 * Adds up what functions of px-usage allocate, by file and function. What they call in Node counts for the first function there, whose
 * own calls differ between versions of Node. What the app and the framework allocate is left out, also within `next()`.
 *
 * @returns what all functions allocated
 */
function addUp(node: HeapProfiler.SamplingHeapProfileNode, caller: string | undefined): number {
  const { url, functionName } = node.callFrame
  const own = /\/packages\/(\w+)\/src\/(?:[\w-]+\/)*([\w-]+)\.ts/.exec(url)
  // The compiler that runs the sources gives closures their names with this function. The built packages have none.
  if (functionName === '__name') return 0
  let name = caller
  // The fields of a class are added by a function of their own.
  if (functionName !== '<instance_members_initializer>') {
    if (own !== null) name = `${own[1]}/${own[2]} ${functionName || '(anonymous)'}`
    else if (url.startsWith('node:'))
      name = caller?.includes(' > ') ? caller : caller && `${caller} > ${functionName}`
    else if (url !== '') name = undefined
  }
  const bytes = node.selfSize / callsPerWindow
  if (name !== undefined) sums.set(name, (sums.get(name) ?? 0) + bytes)
  return node.children.reduce((total, child) => total + addUp(child, name), bytes)
}

/** Makes calls while V8 notes the stack of every allocation. @returns what a call allocated */
async function sampleAllocations(): Promise<Pick<Allocations, 'bytes' | 'byFunction'>> {
  await heapKept()
  sums.clear()
  const session = new Session()
  session.connect()
  await session.post('HeapProfiler.startSampling', {
    samplingInterval: 1,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  })
  await call(callsPerWindow)
  const { profile } = await session.post('HeapProfiler.stopSampling')
  session.disconnect()
  return { bytes: addUp(profile.head, undefined), byFunction: Object.fromEntries(sums) }
}

/** Records a call of each of 20 series of some users, and returns the bytes that they keep in memory. */
async function measureSeries(users: number): Promise<number> {
  const routes = Array.from({ length: 20 }, (_, at) => `/v1/series/:id/parts-${at}`)
  const discarding = { ...memoryStore(), flushAfterMs: 3_600_000, add() {} }
  const tables = createMeter({ store: discarding, delivery: inMemoryDelivery().delivery })
  const used = async () => {
    await tables.flush()
    await heapKept()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  const before = await used()
  for (let at = 0; at < users * 20; at++) {
    const identity = { userId: `user-${at % users}`, accountId: `account-${at % 50}` }
    tables.record({
      identity,
      method: 'GET',
      route: routes[Math.floor(at / users)],
      statusCode: 200,
      aborted: false,
    })
  }
  const grown = (await used()) - before
  if (tables.stats().calls.stored !== users * 20) throw new Error('not all calls were counted')
  await tables.close()
  return grown
}

/** Returns the median of five, because code that V8 drops or compiles again is part of the memory in use. */
async function median(measure: () => Promise<number>): Promise<number> {
  const values: number[] = []
  for (let round = 0; round < 5; round++) values.push(await measure())
  return values.sort((a, b) => a - b)[2] as number
}

await call(callsPerWindow * 2)
const keptBefore = await heapKept()
await call(keptCalls)
const kept = ((await heapKept()) - keptBefore) / Math.max(1, keptCalls)
// What V8 allocates for itself, and timers, come in one window and not in another. Allocations of a call come in each.
let least = await sampleAllocations()
for (let window = 1; window < 3; window++) {
  const next = await sampleAllocations()
  if (next.bytes < least.bytes) least = next
}
let perSeries: number | undefined
if (scenario === 'record') {
  // What a meter of few series takes, such as its code, is no part of a series.
  const ofFew = await median(() => measureSeries(10))
  perSeries = ((await median(() => measureSeries(1_000))) - ofFew) / 20_000
}
const { counted } = meter.stats().calls
process.stdout.write(
  JSON.stringify({
    ...least,
    kept,
    perSeries,
    counted,
    made,
  } satisfies Allocations),
)
process.exit()
