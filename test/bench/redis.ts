import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { createMeter, fileStore, type Meter, memoryStore } from '@px-usage/core'
import { redisStore } from '@px-usage/redis'
import { systemClock } from '../../packages/core/src/clock.ts'
import { apiCalls } from '../../packages/core/src/counting/instruments.ts'
import { createDiagnostics } from '../../packages/core/src/diagnostics.ts'
import type { OutboxLine } from '../../packages/core/src/model/outbox-line.ts'
import type { CountBatch } from '../../packages/core/src/model/series.ts'
import type { Store } from '../../packages/core/src/model/store.ts'
import { type ConnectedClient, connectClient } from '../support/redis-clients.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { ownProperties } from '../support/series-tables.ts'

/*
 * What a fleet costs its Redis: `npm run bench:redis` starts a redis-server that writes its append-only file, and prints a table in
 * Markdown. `SERIES` sets the size of the large day, `MEMBERS` and `CHANGED` the fleet, and `INTERVAL_MS` its flush interval.
 */
const day = '2026-11-23'
const series = Number(process.env.SERIES ?? 1_000_000)
const members = Number(process.env.MEMBERS ?? 300)
const changed = Number(process.env.CHANGED ?? 2_000)
const intervalMs = Number(process.env.INTERVAL_MS ?? 9_000)
const batchSize = 4_096
const table = {}
const routes = Array.from({ length: 20 }, (_, at) => `/v1/resources/:id/parts/${at}`)
const gained = [1, 0, 0, 0]
let sequence = 0

function batchOf(from: number, size: number): CountBatch {
  sequence += 1
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
      endpoint: { method: 'GET', route: routes[id % 20] as string },
    }),
  }
}

async function addAll(store: Store, from: number, size: number): Promise<void> {
  for (let at = 0; at < size; at += batchSize) {
    await store.add(batchOf(from + at, Math.min(batchSize, size - at)))
  }
}

async function open(client: ConnectedClient, keyPrefix: string): Promise<Store> {
  const store = redisStore({ sendCommand: (args, key) => client.sendCommand(args, key), keyPrefix })
  await store.open({ clock: systemClock, diagnostics: createDiagnostics(), timeZone: 'UTC' })
  return store
}

interface ServerState {
  cpuMs: number
  scriptCalls: number
  scriptMs: number
  memory: number
}

async function stateOf(redis: RedisServer): Promise<ServerState> {
  const info = String(await redis.command('INFO', 'everything'))
  const value = (pattern: RegExp) => Number(pattern.exec(info)?.[1] ?? 0)
  return {
    cpuMs: 1_000 * (value(/used_cpu_sys_main_thread:([\d.]+)/) + value(/used_cpu_user_main_thread:([\d.]+)/)),
    scriptCalls: value(/cmdstat_evalsha:calls=(\d+)/),
    scriptMs: value(/cmdstat_evalsha:calls=\d+,usec=(\d+)/) / 1_000,
    memory: value(/used_memory:(\d+)/),
  }
}

/** Runs a task, and returns what it cost the server. */
async function measured(redis: RedisServer, task: () => Promise<unknown>) {
  await redis.command('SLOWLOG', 'RESET')
  const before = await stateOf(redis)
  const startMs = performance.now()
  const startCpu = process.cpuUsage()
  await task()
  const ms = performance.now() - startMs
  const ownCpu = process.cpuUsage(startCpu)
  const after = await stateOf(redis)
  const slow = (await redis.command('SLOWLOG', 'GET', 1_000)) as [number, number, number, string[]][]
  return {
    ms,
    ownCpuMs: (ownCpu.user + ownCpu.system) / 1_000,
    cpuMs: after.cpuMs - before.cpuMs,
    scriptCalls: after.scriptCalls - before.scriptCalls,
    scriptMs: after.scriptMs - before.scriptMs,
    memory: after.memory - before.memory,
    longestMs: Math.max(0, ...slow.map(([, , usec]) => usec)) / 1_000,
  }
}

const number = (value: number) => Math.round(value).toLocaleString('en')
const ms = (value: number) => `${value < 10 ? value.toFixed(2) : number(value)} ms`
const rows: string[][] = []
const row = (...cells: string[]) => {
  rows.push(cells)
  console.error(cells.join(' | '))
}

const redis = await startRedis({ config: { 'slowlog-log-slower-than': 500, 'slowlog-max-len': 1_000 } })
const client = await connectClient('ioredis', { port: redis.port })

{
  const store = await open(client, 'increments')
  const size = 100_000
  await addAll(store, 0, size)
  const known = await measured(redis, () => addAll(store, 0, size))
  row('increments per second of one process, known series', number((size / known.ms) * 1_000))
  row('CPU of the process for a changed series', `${((known.ownCpuMs / size) * 1_000).toFixed(1)} us`)
  row('CPU of Redis for an increment', `${((known.cpuMs / size) * 1_000).toFixed(1)} us`)
  const call = known.scriptMs / known.scriptCalls
  row('CPU of Redis in a script call of 250 increments', `${ms(call)}, longest call ${ms(known.longestMs)}`)
  await store.close()
  await redis.command('FLUSHALL')
}

{
  const store = await open(client, 'large')
  const filled = await measured(redis, () => addAll(store, 0, series))
  row(`memory of Redis for a field, ${number(series)} fields`, `${number(filled.memory / series)} B`)
  row('memory of Redis for the day', `${number(filled.memory / 2 ** 20)} MB`)
  const sealed = await measured(redis, async () => {
    await store.seal(day)
    await store.closeDay(day, async function* (totals): AsyncGenerator<OutboxLine> {
      let calls = 0
      for await (const { values } of totals) calls += values[0] ?? 0
      const body = JSON.stringify({ eventName: 'dailyApiCalls', filler: 'x'.repeat(300) })
      for (let line = 0; line < 20_000; line++) {
        yield { id: `line-${line}`, day, kind: 'event', rank: 'total', body, calls: calls / 20_000 }
      }
    })
  })
  row(
    `close of that day into 20,000 lines`,
    `${ms(sealed.ms)}, CPU of Redis ${ms(sealed.cpuMs)}, longest command ${ms(sealed.longestMs)}`,
  )
  const lines = 8_000
  const drained = await measured(redis, async () => {
    for (let sent = 0; sent < lines; ) {
      const ids = (await store.claim(8)).lines.map(({ id }) => id)
      await store.markAttempts(ids, Date.now())
      await store.settle(ids.map((id) => ({ id, state: 'delivered' })))
      sent += ids.length
    }
  })
  row(
    'claim, mark and settle of lines, 8 at once',
    `${number((lines / drained.ms) * 1_000)} lines per second, CPU of Redis ${ms((drained.cpuMs / lines) * 1_000)} per 1,000 lines`,
  )
  await store.close()
  await redis.command('FLUSHALL')
}

{
  const clients = await Promise.all([1, 2, 3, 4].map(() => connectClient('ioredis', { port: redis.port })))
  const fleet = await Promise.all(
    Array.from({ length: members }, (_, at) =>
      open(clients[at % clients.length] as ConnectedClient, 'fleet'),
    ),
  )
  const idle = await measured(redis, () => sleep(10_000))
  row(
    `Redis under ${members} members that count nothing`,
    `${((idle.cpuMs / idle.ms) * 100).toFixed(1)} % of a core`,
  )
  const lags: number[] = []
  /** All members flush once in each interval, spread over it as they are in a fleet. */
  const flushOnce = async () => {
    const startMs = performance.now()
    await Promise.all(
      fleet.map(async (store, at) => {
        await sleep((at / members) * intervalMs)
        const fromMs = performance.now()
        await store.add(batchOf((at % 50) * changed, changed))
        lags.push(performance.now() - fromMs)
      }),
    )
    await sleep(Math.max(0, startMs + intervalMs - performance.now()))
  }
  await flushOnce()
  lags.length = 0
  const busy = await measured(redis, flushOnce)
  lags.sort((a, b) => a - b)
  const lag = (share: number) => ms(lags[Math.floor(lags.length * share)] ?? Number.NaN)
  const load = `${((busy.cpuMs / busy.ms) * 100).toFixed(0)} % of a core`
  row(
    `Redis under ${members} members with ${number(changed)} changed series every ${intervalMs / 1_000} s`,
    `${load}; a flush takes ${lag(0.5)}, p99 ${lag(0.99)}; longest command ${ms(busy.longestMs)}`,
  )
  row('flush interval at which that is 30 % of a core', `${(busy.cpuMs / 0.3 / 1_000).toFixed(1)} s`)
  await Promise.all(fleet.map((store) => store.close()))
  for (const one of clients) await one.close()
}

{
  // What a call costs the process of the app, with the flushes that it causes: 1,000 users call 4 endpoints, 32 calls in each turn.
  const folder = mkdtempSync(join(tmpdir(), 'px-usage-bench-'))
  const sendCommand = (args: string[], key: string) => client.sendCommand(args, key)
  const stores: [name: string, store: Store][] = [
    ['memoryStore()', memoryStore()],
    ['fileStore()', fileStore({ dir: join(folder, 'file') })],
    ['redisStore()', redisStore({ sendCommand, keyPrefix: 'calls' })],
    ['redisStore() with a dir', redisStore({ sendCommand, keyPrefix: 'dir', dir: join(folder, 'redis') })],
  ]
  const cases = stores.map(([name, store]) => ({ name, meter: createMeter({ dryRun: true, store }) }))
  const calls = 128_000

  async function usOfCall(meter: Meter, callsOfFlush: number): Promise<number> {
    const before = process.cpuUsage()
    for (let call = 1; call <= calls; call++) {
      const user = call % 1_000
      const identity = { userId: `user-${user}`, accountId: `account-${user % 50}` }
      const route = routes[Math.floor(call / 1_000) % 4] as string
      meter.record({ identity, method: 'GET', route, statusCode: 200, aborted: false })
      if (call % 32 === 0) await setImmediate()
      if (call % callsOfFlush === 0) await meter.flush()
    }
    const { user, system } = process.cpuUsage(before)
    return (user + system) / calls
  }

  const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] as number
  for (const callsOfFlush of [calls, 4_000]) {
    const added = cases.map((): number[] => [])
    for (let round = 0; round < 14; round++) {
      const us: number[] = []
      const places = [...cases.keys()]
      for (const at of round % 2 === 0 ? places : places.reverse()) {
        us[at] = await usOfCall((cases[at] as (typeof cases)[0]).meter, callsOfFlush)
      }
      // The first rounds create the series, and are not compiled yet.
      if (round >= 3) added.forEach((values, at) => void values.push((us[at] as number) - (us[0] as number)))
    }
    for (const [at, { name }] of cases.entries()) {
      const values = added[at] as number[]
      const text = `${median(values).toFixed(2)} us, in the rounds ${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)} us`
      const flushes = `one flush for each ${number(callsOfFlush)} calls of 4,000 series`
      if (at > 0)
        row(`CPU of the process that ${name} adds to a call, beside memoryStore(), ${flushes}`, text)
    }
  }
  for (const { meter } of cases) await meter.close()
  rmSync(folder, { recursive: true })
}

await client.close()
await redis.stop()
console.log(`\nNode ${process.version}\n\n| | measured |\n|---|---|`)
for (const cells of rows) console.log(`| ${cells.join(' | ')} |`)
