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
import { deliverToPx } from '../../packages/core/src/delivery/deliver-to-px.ts'
import { createDiagnostics } from '../../packages/core/src/diagnostics.ts'
import { eventLine } from '../support/px-sender.ts'

/**
 * Events per second to a receiver on this machine that takes everything, as a share of what undici alone sends over as many
 * connections; and the CPU that the default rate takes. Run with `node --conditions=@px-usage/source --import tsx`.
 */
const lineCount = 20_000
const rounds = 2
const lanes = 8

if (process.send !== undefined) serve()
else await measure()

/** The receiver, in a process of its own. */
function serve(): void {
  const server = createServer((req, res) => {
    req.resume()
    req.on('end', () => res.writeHead(201, { 'content-length': 0 }).end())
  })
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
  process.on('disconnect', () => process.exit())
}

async function measure(): Promise<void> {
  const receiver = fork(import.meta.filename)
  const [port] = (await once(receiver, 'message')) as [number]
  const url = `http://127.0.0.1:${port}`
  const lines = Array.from({ length: lineCount }, (_, index) => eventLine(`line-${index}`))
  const shares: string[] = []
  for (let round = 0; round < rounds; round++) {
    const share = await cpuShare(url, lines)
    shares.push(`${(share.cpu * 100).toFixed(1)} % at ${share.perSecond.toFixed(0)}/s`)
  }
  console.log(`CPU of a core at the default rate: ${shares.join(', ')}\n`)
  const cases: Array<[string, () => Promise<number>]> = [
    ['undici alone', () => sendBare(url, lines)],
    ['a store that costs nothing', () => sendFrom(url, listStore(lines))],
    ['memory store', async () => sendFrom(url, await filled(memoryStore(), lines))],
    ['file store', () => inFolder(async (dir) => sendFrom(url, await filled(fileStore({ dir }), lines)))],
  ]
  const measured = new Map<string, number[]>(cases.map(([name]) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const [name, run] of cases) {
      const perSecond = (lineCount / (await run())) * 1_000
      if (round > 0) measured.get(name)?.push(perSecond)
    }
  }
  const bare = measured.get('undici alone') as number[]
  const rows = [...measured].map(([name, values]) => {
    const ratio = median(values.map((value, round) => value / (bare[round] as number)))
    return [name, Math.round(median(values)).toLocaleString('en'), ratio.toFixed(2)]
  })
  console.log(table(['Lines from', 'events/s', 'of undici alone'], rows))
  receiver.disconnect()
}

async function sendBare(url: string, lines: readonly OutboxLine[]): Promise<number> {
  const dispatcher = new Agent({ connections: lanes, pipelining: 1 })
  const headers = {
    'X-APTRINSIC-API-KEY': 'key',
    accept: 'application/json',
    'content-type': 'application/json',
  }
  let next = 0
  const startMs = performance.now()
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      while (next < lines.length) {
        const { body } = lines[next++] as OutboxLine
        const answer = await request(`${url}/v1/events/custom`, { method: 'POST', headers, body, dispatcher })
        await answer.body.dump()
      }
    }),
  )
  const tookMs = performance.now() - startMs
  await dispatcher.close()
  return tookMs
}

function senderOf(url: string, store: Store, maxRequestsPerSecond: number) {
  const diagnostics = createDiagnostics((error) => console.error(error.message))
  return deliverToPx(
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
      reconcile: true,
      reconcileAfterMs: 900_000,
      auditAfterMs: 21_600_000,
      clock: systemClock,
    },
    { store, diagnostics, heard: () => {} },
  )
}

async function sendFrom(url: string, store: Store): Promise<number> {
  const delivery = senderOf(url, store, 1e9)
  const startMs = performance.now()
  await delivery.run()
  const tookMs = performance.now() - startMs
  if (store.outboxCounts().delivered !== lineCount) throw new Error('Not everything was delivered.')
  await delivery.stop()
  await delivery.breakOff()
  await store.close()
  return tookMs
}

async function cpuShare(url: string, lines: readonly OutboxLine[]) {
  const store = listStore(lines)
  const delivery = senderOf(url, store, 150)
  void delivery.run()
  await setTimeout(1_000)
  const before = { cpu: process.cpuUsage(), atMs: performance.now(), sent: store.outboxCounts().delivered }
  await setTimeout(5_000)
  const { user, system } = process.cpuUsage(before.cpu)
  const seconds = (performance.now() - before.atMs) / 1_000
  const perSecond = (store.outboxCounts().delivered - before.sent) / seconds
  await delivery.stop()
  await delivery.breakOff()
  return { perSecond, cpu: (user + system) / 1e6 / seconds }
}

async function filled(store: Store, lines: readonly OutboxLine[]): Promise<Store> {
  await store.open({ clock: systemClock, diagnostics: createDiagnostics(), timeZone: 'UTC' })
  await store.put(lines)
  return store
}

async function inFolder(run: (dir: string) => Promise<number>): Promise<number> {
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
        nextDueAtMs: undefined,
      }
    },
    async markAttempts() {},
    async settle(settlements: readonly { state: string }[]) {
      delivered += settlements.filter(({ state }) => state === 'delivered').length
    },
    outboxCounts: () => ({ closed: 0, delivered, pending: 0, unknown: 0, rejected: 0 }),
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
