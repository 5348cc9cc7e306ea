import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createMeter, type Identify, identifyBy, memoryStore } from '@px-usage/core'
import express from 'express'
import { apiCalls } from '../../packages/core/src/counting/instruments.ts'
import { encodeFrame, frameTypes } from '../../packages/core/src/files/frames.ts'
import { CountsEncoder } from '../../packages/core/src/journal/journal-counts.ts'
import { createRouteTemplates } from '../../packages/express/src/route-template.ts'
import type { RoutedRequest } from '../../packages/express/src/watch-route.ts'

/*
 * What the single steps of a call cost: time and bytes allocated for one of them, garbage or not. `npm run bench:micro`; its
 * young generation is large, so that nothing is collected while it is measured.
 */
const rounds = Number(process.env.ROUNDS ?? 15)
const perRound = 20_000
const users = 1_000
const routes = Array.from({ length: 20 }, (_, at) => `/v1/things/:id/parts-${at}`)

/** A string that no other shares its memory with, and that nobody hashed. */
const fresh = (text: string) => Buffer.from(text, 'latin1').toString('latin1')
const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] as number

/** @param prepare what the step works on, made before the clock starts */
function measure<T>(name: string, prepare: (at: number) => T, step: (prepared: T) => void): void {
  const ns: number[] = []
  const bytes: number[] = []
  for (let round = -3; round < rounds; round++) {
    const prepared = Array.from({ length: perRound }, (_, at) => prepare((round + 3) * perRound + at))
    globalThis.gc?.()
    const before = process.memoryUsage().heapUsed
    const start = process.hrtime.bigint()
    for (const each of prepared) step(each)
    const took = Number(process.hrtime.bigint() - start)
    const grown = process.memoryUsage().heapUsed - before
    if (round < 0) continue
    ns.push(took / perRound)
    bytes.push(grown / perRound)
  }
  const least = Math.min(...ns).toFixed(0)
  console.log(`| ${name} | ${median(ns).toFixed(0)} ns | ${least} ns | ${median(bytes).toFixed(1)} B |`)
}

async function routedRequest(): Promise<RoutedRequest> {
  let seen: RoutedRequest | undefined
  const router = express.Router()
  router.get('/:id', (req, res) => {
    seen = req as unknown as RoutedRequest
    res.end()
  })
  const server = express().use('/v1/users', router).listen(0, '127.0.0.1')
  await once(server, 'listening')
  await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/users/7`)
  server.close()
  return seen as unknown as RoutedRequest
}

console.log(`Node ${process.versions.node}; ${rounds} rounds of ${perRound.toLocaleString('en')}\n`)
console.log('| Step | median | least of the rounds | allocated |\n| --- | --: | --: | --: |')

const many = 10_000_000
const limits = { series: many, endpointsPerIdentity: many, users: many }
const meter = createMeter({ store: memoryStore(), dryRun: true, limits })
const callOf = (user: number, route: string) => ({
  identity: { userId: fresh(`user-${user}`), accountId: fresh(`account-${user % 50}`) },
  method: 'GET',
  route,
  statusCode: 200,
  aborted: false,
})
for (let user = 0; user < users; user++) for (const route of routes) meter.record(callOf(user, route))
measure(
  'meter.record() of one of 20,000 known series, fresh ids',
  (at) => callOf((at * 7_919) % users, routes[(at * 31) % 20] as string),
  meter.record,
)
measure('meter.record() of a new series', (at) => callOf(users + at, routes[at % 20] as string), meter.record)

const templates = createRouteTemplates()
const routed = await routedRequest()
const entered = templates.enter(routed)
measure(
  'name of the route, Express 5',
  () => routed,
  (req) => void templates.of(req, 200, entered),
)

const encoder = new CountsEncoder()
const table = {}
const batch = {
  table,
  describe: (id: number) => ({
    instrument: apiCalls,
    identity: { userId: `user-${id}` },
    properties: {},
    endpoint: { method: 'GET', route: '/v1/users/:id' },
  }),
} as unknown as Parameters<CountsEncoder['gain']>[0]
const gained = [1, 0, 0, 0]
let sequence = 0
measure(
  'journal: a frame of 32 known series',
  (at) => at,
  (at) => {
    encoder.begin(++sequence)
    for (let call = 0; call < 32; call++) encoder.gain(batch, (at * 32 + call) % 20_000, gained)
    encodeFrame(frameTypes.counts, encoder.payload(), 1)
  },
)

const identify: Identify<string> = identifyBy({
  credential: (key: string) => key,
  lookup: (key) => ({ userId: key }),
})
for (let user = 0; user < users; user++) await identify(`key-${user}`)
measure(
  'identifyBy, a known credential',
  (at) => fresh(`key-${at % users}`),
  (key) => void identify(key),
)
await meter.close()
