import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileStore, memoryStore, type OutboxLine, type Store } from '@px-usage/core'
import { Agent, request } from 'undici'
import { systemClock } from '../../packages/core/src/clock.ts'
import { createPxDelivery } from '../../packages/core/src/delivery/create-px-delivery.ts'
import { createDiagnostics } from '../../packages/core/src/diagnostics.ts'
import { mostIn } from '../support/most-in.ts'
import { eventLine } from '../support/px-sender.ts'

/**
 * What delivery costs, and how well it keeps the rate, against a receiver on this machine that takes everything: events per second
 * as a share of what undici alone sends over as many connections, CPU time for each, the CPU that the default rate takes, and
 * the most requests that the receiver got in any second. Run with `node --conditions=@px-usage/source --import tsx`.
 */
const lineCount = 20_000
const rounds = 3
const lanes = 8
const pacedMs = 10_000
const defaultRate = 150
const headers = {
  'X-APTRINSIC-API-KEY': 'key',
  accept: 'application/json',
  'content-type': 'application/json',
}

interface Received {
  requests: number
  /** In any time of that length, wherever it begins. */
  mostInASecond: number
}

if (process.send !== undefined) serve()
else await measure()

/** The receiver, in a process of its own. Asked, it tells what it received since it was asked last. */
function serve(): void {
  let times: number[] = []
  const server = createServer((req, res) => {
    times.push(performance.now())
    req.resume()
    req.on('end', () => res.writeHead(201, { 'content-length': 0 }).end())
  })
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
  process.on('disconnect', () => process.exit())
  process.on('message', () => {
    process.send?.({ requests: times.length, mostInASecond: mostIn(1_000, times) } satisfies Received)
    times = []
  })
}

async function measure(): Promise<void> {
  const receiver = fork(import.meta.filename)
  const [port] = (await once(receiver, 'message')) as [number]
  const url = `http://127.0.0.1:${port}`
  const lines = Array.from({ length: lineCount }, (_, index) => eventLine(`line-${index}`))
  async function received(): Promise<Received> {
    receiver.send('report')
    const [report] = (await once(receiver, 'message')) as [Received]
    return report
  }

  const full: Array<[string, () => Promise<Cost>]> = [
    ['undici alone', () => sendBare(url, lines)],
    ['a store that costs nothing', () => sendFrom(url, listStore(lines))],
    ['memory store', async () => sendFrom(url, await filled(memoryStore(), lines))],
    ['file store', () => inFolder(async (dir) => sendFrom(url, await filled(fileStore({ dir }), lines)))],
  ]
  const measured = new Map<string, Cost[]>(full.map(([name]) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const [name, run] of full) {
      const cost = await run()
      if (round > 0) measured.get(name)?.push(cost)
    }
  }
  const bare = measured.get('undici alone') as Cost[]
  const fullRows = [...measured].map(([name, costs]) => {
    const times = costs.map(({ wallMs }) => wallMs)
    const ratio = costs.map(({ cpuMs }, round) => cpuMs / (bare[round] as Cost).cpuMs)
    return [
      name,
      Math.round((lineCount / median(times)) * 1_000).toLocaleString('en'),
      Math.round((lineCount / Math.min(...times)) * 1_000).toLocaleString('en'),
      ((median(costs.map(({ cpuMs }) => cpuMs)) / lineCount) * 1_000).toFixed(0),
      median(ratio).toFixed(2),
    ]
  })
  console.log(
    table(
      ['Lines from', 'events/s, median', 'events/s, best', 'CPU us per event', 'CPU of undici alone'],
      fullRows,
    ),
  )

  await received()
  const paced: Array<[string, () => Promise<Share>]> = [
    ['undici alone, 15 requests ten times a second', () => sendBarePaced(url, lines)],
    ['a store that costs nothing', () => sendPaced(url, listStore(lines))],
    ['memory store', async () => sendPaced(url, await filled(memoryStore(), lines))],
    ['file store', () => inFolder(async (dir) => sendPaced(url, await filled(fileStore({ dir }), lines)))],
  ]
  const pacedRows: string[][] = []
  for (const [name, run] of paced) {
    const { cpu, perSecond } = await run()
    const { mostInASecond } = await received()
    pacedRows.push([name, perSecond.toFixed(0), String(mostInASecond), `${(cpu * 100).toFixed(1)} %`])
  }
  console.log(
    `\nAt the default rate of ${defaultRate}/s, in a process that has sent before, for ${pacedMs / 1_000} s:\n`,
  )
  console.log(
    table(['Lines from', 'requests/s', 'most in any second at the receiver', 'CPU of a core'], pacedRows),
  )
  receiver.disconnect()
}

interface Cost {
  wallMs: number
  cpuMs: number
}

async function costOf(run: () => Promise<void>): Promise<Cost> {
  const startMs = performance.now()
  const before = process.cpuUsage()
  await run()
  const { user, system } = process.cpuUsage(before)
  return { wallMs: performance.now() - startMs, cpuMs: (user + system) / 1_000 }
}

async function sendBare(url: string, lines: readonly OutboxLine[]): Promise<Cost> {
  const dispatcher = new Agent({ connections: lanes, pipelining: 1 })
  let next = 0
  const lane = async () => {
    while (next < lines.length) {
      const { body } = lines[next++] as OutboxLine
      const answer = await request(`${url}/v1/events/custom`, { method: 'POST', headers, body, dispatcher })
      await answer.body.dump()
    }
  }
  const cost = await costOf(async () => void (await Promise.all(Array.from({ length: lanes }, lane))))
  await dispatcher.close()
  return cost
}

function senderOf(url: string, store: Store, maxRequestsPerSecond: number) {
  const diagnostics = createDiagnostics((error) => console.error(error.message))
  return createPxDelivery(
    {
      baseUrl: url,
      apiKey: () => 'key',
      dispatcher: undefined,
      requestTimeoutMs: 10_000,
      delivery: undefined,
      dryRun: false,
      maxRequestsPerSecond,
      maxRequestsPerDay: 1e9,
      startJitterMs: 0,
      lookUp: true,
      lookUpAfterMs: 900_000,
      clock: systemClock,
    },
    { store, diagnostics, confirmClock: () => {} },
  )
}

async function sendFrom(url: string, store: Store): Promise<Cost> {
  const delivery = senderOf(url, store, 1e9)
  const cost = await costOf(delivery.run)
  if (store.outboxCounts().delivered !== lineCount) throw new Error('Not everything was delivered.')
  await delivery.stop()
  await delivery.abort()
  await store.close()
  return cost
}

async function sendBarePaced(url: string, lines: readonly OutboxLine[]): Promise<Share> {
  const dispatcher = new Agent({ connections: lanes, pipelining: 1 })
  let sent = 0
  const send = async () => {
    const { body } = lines[sent++] as OutboxLine
    const answer = await request(`${url}/v1/events/custom`, { method: 'POST', headers, body, dispatcher })
    await answer.body.dump()
  }
  const timer = setInterval(() => {
    for (let n = 0; n < defaultRate / 10; n++) void send()
  }, 100)
  await setTimeout(1_000)
  const sentBefore = sent
  const { wallMs, cpuMs } = await costOf(() => setTimeout(pacedMs))
  clearInterval(timer)
  const perSecond = ((sent - sentBefore) / wallMs) * 1_000
  await dispatcher.close()
  return { perSecond, cpu: cpuMs / wallMs }
}

interface Share {
  perSecond: number
  cpu: number
}

async function sendPaced(url: string, store: Store): Promise<Share> {
  const delivery = senderOf(url, store, defaultRate)
  void delivery.run()
  await setTimeout(1_000)
  const sentBefore = store.outboxCounts().delivered
  const { wallMs, cpuMs } = await costOf(() => setTimeout(pacedMs))
  const perSecond = ((store.outboxCounts().delivered - sentBefore) / wallMs) * 1_000
  await delivery.stop()
  await delivery.abort()
  await store.close()
  return { perSecond, cpu: cpuMs / wallMs }
}

async function filled(store: Store, lines: readonly OutboxLine[]): Promise<Store> {
  await store.open({ clock: systemClock, diagnostics: createDiagnostics(), timeZone: 'UTC' })
  await store.put(lines)
  return store
}

async function inFolder<T>(run: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'px-usage-bench-'))
  try {
    return await run(dir)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Lines in a row, each given out once: what the sender itself costs. */
function listStore(lines: readonly OutboxLine[]): Store {
  let next = 0
  let delivered = 0
  return {
    async claim(limit: number) {
      const claimed = lines.slice(next, next + limit)
      next += claimed.length
      return {
        lines: claimed.map((line) => ({ ...line, state: 'pending', attempts: 0, attemptedAtMs: undefined })),
        nextDueInMs: undefined,
      }
    },
    async markAttempts() {},
    async settle(settlements: readonly { state: string }[]) {
      delivered += settlements.filter(({ state }) => state === 'delivered').length
    },
    outboxCounts: () => ({ closed: 0, delivered, pending: 0, unconfirmed: 0, rejected: 0 }),
    async readNote() {},
    async writeNote() {},
    async close() {},
  } as unknown as Store
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number
}

function table(head: string[], rows: string[][]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}
