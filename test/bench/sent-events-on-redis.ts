import { createHash } from 'node:crypto'
import { redisStore } from '@px-usage/redis'
import { startEmulator } from 'px-emulator'
import { systemClock } from '../../packages/core/src/clock.ts'
import { createDiagnostics } from '../../packages/core/src/diagnostics.ts'
import type { OutboxLine } from '../../packages/core/src/model/outbox-line.ts'
import { createKeyNames } from '../../packages/redis/src/key-names.ts'
import { connectClient } from '../support/redis-clients.ts'
import { startRedis } from '../support/redis-server.ts'
import { runCli } from '../support/run-cli.ts'

/*
 * What the record of delivered events costs: `npm run bench:sent`. It sends a day of 20,000 lines with and without the record, by turns,
 * and then runs the commands that read it. `LINES` sets the number of lines, `ROUNDS` how often they are sent.
 */
const lineCount = Number(process.env.LINES ?? 20_000)
const rounds = Number(process.env.ROUNDS ?? 5)
const day = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10)
const noon = Date.parse(`${day}T12:00:00Z`)

/** A line as px-usage makes it: two in five are totals of a user, the others have an endpoint. */
function lineOf(at: number, productKey: string): OutboxLine {
  const isTotal = at % 5 < 2
  const hex = createHash('sha256').update(`line ${at}`).digest('hex')
  const id = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
  const body = JSON.stringify({
    eventName: isTotal ? 'dailyApiCalls' : 'dailyEndpointCalls',
    identifyId: `user-${Math.floor(at / 5)}`,
    accountId: `account-${Math.floor(at / 50)}`,
    propertyKey: productKey,
    userType: 'USER',
    date: noon,
    attributes: {
      ...{ timestamp: noon, apiCalls: (at * 7919) % 1_000, clientErrors: at % 7, serverErrors: at % 3 },
      apiType: 'RESTful',
      ...(isTotal ? {} : { method: 'GET', endpoint: `/v1/things/:id/parts/${at % 20}` }),
      ...{ day, rollupId: id },
    },
  })
  return { id, day, kind: 'event', rank: isTotal ? 'total' : 'detail', body, calls: isTotal ? at % 1_000 : 0 }
}

const redis = await startRedis()
const client = await connectClient('ioredis', { port: redis.port })
const emulator = await startEmulator({ port: 0, switches: { requestsPerSecond: null } })
const lines = Array.from({ length: lineCount }, (_, at) => lineOf(at, emulator.productKey))

async function cpuOfRedis(): Promise<number> {
  const info = String(await redis.command('INFO', 'cpu'))
  const value = (pattern: RegExp) => 1_000_000 * Number(pattern.exec(info)?.[1] ?? 0)
  return value(/used_cpu_sys_main_thread:([\d.]+)/) + value(/used_cpu_user_main_thread:([\d.]+)/)
}

/** Sends all lines, and returns the CPU time of each in us. */
async function send(keyPrefix: string, keepSentBytes: number | undefined) {
  const store = redisStore({ sendCommand: (args) => client.sendCommand(args), keyPrefix, keepSentBytes })
  await store.open({ clock: systemClock, diagnostics: createDiagnostics(), timeZone: 'UTC' })
  for (let at = 0; at < lineCount; at += 1_000) await store.put(lines.slice(at, at + 1_000))
  const [before, own] = [await cpuOfRedis(), process.cpuUsage()]
  for (;;) {
    const ids = (await store.claim(8)).lines.map(({ id }) => id)
    if (ids.length === 0) break
    await store.markAttempts(ids, Date.now())
    await store.settle(ids.map((id) => ({ id, state: 'delivered' })))
  }
  const { user, system } = process.cpuUsage(own)
  const cpu = { redis: ((await cpuOfRedis()) - before) / lineCount, own: (user + system) / lineCount }
  await store.close()
  return cpu
}

/** Prints what a line takes while it waits to be compressed, and afterwards. */
async function printMemory(prefix: string): Promise<void> {
  const { sent, sentIndex, sentDay } = createKeyNames(prefix, 'default')
  const bytes = async (key: string) => Number(await redis.command('MEMORY', 'USAGE', key, 'SAMPLES', 0))
  const waiting = Number(await redis.command('LLEN', sent))
  const compressed = (await bytes(sentDay(day))) + (await bytes(sentIndex))
  const each = (all: number, number: number) => `${(all / number).toFixed(1)} B each`
  console.log(
    `${lineCount - waiting} compressed lines take ${compressed} B, ${each(compressed, lineCount - waiting)}`,
  )
  if (waiting > 0)
    console.log(`${waiting} lines before take ${await bytes(sent)} B, ${each(await bytes(sent), waiting)}`)
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] as number
const costs = {
  with: { redis: [] as number[], own: [] as number[] },
  without: { redis: [] as number[], own: [] as number[] },
}
for (let round = 0; round < rounds; round++) {
  for (const which of round % 2 === 0 ? (['with', 'without'] as const) : (['without', 'with'] as const)) {
    const { redis: ofRedis, own } = await send(`${which}-${round}`, which === 'with' ? undefined : 0)
    costs[which].redis.push(ofRedis)
    costs[which].own.push(own)
  }
}
await printMemory('with-0')
for (const [which, { redis: ofRedis, own }] of Object.entries(costs)) {
  const text = (values: number[]) =>
    `${median(values).toFixed(1)} us [${(values[0] as number).toFixed(1)}, ${(values.at(-1) as number).toFixed(1)}]`
  console.log(`${which} the record, each line: CPU of Redis ${text(ofRedis)}, of the sender ${text(own)}`)
}

for (const { body } of lines) {
  const headers = { 'X-APTRINSIC-API-KEY': emulator.apiKey, 'content-type': 'application/json' }
  await fetch(`${emulator.url}/v1/events/custom`, { method: 'POST', headers, body })
}
const env = { PX_BASE_URL: emulator.url, PX_API_KEY: emulator.apiKey }
const at = ['--redis', `redis://127.0.0.1:${redis.port}`, '--key-prefix', 'with-0']
for (const name of ['events', 'export', 'audit']) {
  const times: number[] = []
  for (let run = 0; run < 5; run++) {
    const startMs = performance.now()
    const { code, err } = await runCli([name, day, ...at], { env })
    if (code !== 0) throw new Error(err)
    times.push(performance.now() - startMs)
  }
  console.log(
    `${name} of ${lineCount} lines: ${Math.round(median(times))} ms [${Math.round(times[0] as number)}, ${Math.round(times.at(-1) as number)}]`,
  )
}
await emulator.close()
await client.close()
await redis.stop()
