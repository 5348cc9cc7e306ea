import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMeter, fileStore } from '@px-usage/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { fastClock } from '../support/fast-clock.ts'

/** More days, and longer ones, by `npm run soak`. */
const days = Number(process.env.SOAK_DAYS ?? 2)
const workers = process.env.SOAK_DAYS === undefined ? 4 : 8
const realMsPerDay = process.env.SOAK_DAYS === undefined ? 4_000 : 12_000
const speed = (24 * 3_600_000) / realMsPerDay
const startMs = Date.parse('2026-11-23T18:00:00Z')

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'px-usage-cluster-'))
  mkdirSync(join(dir, 'usage'))
})
afterEach(() => rm(dir, { recursive: true }))

function readLines<T>(path: string): T[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as T)
}

interface Range {
  least: number
  most: number
}

interface Step {
  day?: string
  calls?: Record<string, number>
  /** Midnight came while they were counted, so that they may be of this day. */
  orDay?: string
  stored?: true
}

/** Calls per user and day: those that were stored, and those that were being stored when the worker was killed. */
function truth(): Map<string, Range> {
  const ranges = new Map<string, Range>()
  const gain = (user: string, day: string, least: number, most: number) => {
    const range = ranges.get(`${user} ${day}`) ?? { least: 0, most: 0 }
    ranges.set(`${user} ${day}`, { least: range.least + least, most: range.most + most })
  }
  for (const name of readdirSync(dir)) {
    if (!name.startsWith('truth.')) continue
    let open: Required<Pick<Step, 'day' | 'calls'>> | undefined
    for (const { day, calls, orDay, stored } of readLines<Step>(join(dir, name))) {
      if (day !== undefined && calls !== undefined) {
        open = { day, calls }
        for (const [user, times] of Object.entries(calls)) gain(user, day, 0, times)
      }
      if (open === undefined) continue
      const all = Object.entries(open.calls)
      if (orDay !== undefined) {
        for (const [user, times] of all) gain(user, orDay, 0, times)
        open = undefined
      } else if (stored) {
        for (const [user, times] of all) gain(user, open.day, times, 0)
        open = undefined
      }
    }
  }
  return ranges
}

test('cluster workers killed, stopped and reloaded over days keep totals exact and send once', async () => {
  const realStartMs = Date.now()
  const clock = fastClock(startMs, realStartMs, speed)
  const living = new Set<Worker>()
  let started = 0
  let kills = 0
  let stops = 0
  let reloads = 0
  const starting: Array<Promise<void>> = []

  async function start(): Promise<void> {
    started += 1
    cluster.setupPrimary({
      exec: join(import.meta.dirname, '../support/cluster-child.ts'),
      execArgv: ['--conditions=@px-usage/source', '--import', 'tsx'],
      args: [dir, `worker-${started}`, String(startMs), String(realStartMs), String(speed)],
    })
    const worker = cluster.fork()
    worker.once('exit', () => living.delete(worker))
    const died = once(worker, 'exit').then(() => Promise.reject(new Error('A worker died at its start.')))
    died.catch(() => {})
    await Promise.race([once(worker, 'message'), died])
    living.add(worker)
  }

  async function end(worker: Worker, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const ended = once(worker, 'exit')
    worker.process.kill('SIGCONT')
    worker.process.kill(signal)
    await ended
  }

  await Promise.all(Array.from({ length: workers }, start))
  const from = clock.now()
  while (clock.now() < from + days * 24 * 3_600_000) {
    await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 300))
    const all = [...living]
    const worker = all[Math.floor(Math.random() * all.length)]
    if (worker === undefined) continue
    const what = Math.random()
    if (what < 0.4) {
      kills += 1
      await end(worker, 'SIGKILL')
      starting.push(start())
    } else if (what < 0.65) {
      // As PM2 and a rolling deploy do it: the new one serves before the old one is asked to end.
      reloads += 1
      living.delete(worker)
      starting.push(start().then(() => end(worker, 'SIGTERM')))
    } else {
      stops += 1
      worker.process.kill('SIGSTOP')
      setTimeout(() => worker.process.kill('SIGCONT'), Math.random() * 1_500)
    }
  }
  await Promise.all(starting)
  await Promise.all([...living].map((worker) => end(worker, 'SIGTERM')))

  const arrived: Array<{ rollupId: string; day: string; user: string; calls: number }> = []
  const take = (body: string) => {
    const { identifyId, attributes } = JSON.parse(body)
    arrived.push({
      rollupId: attributes.rollupId,
      day: attributes.day,
      user: identifyId,
      calls: attributes.apiCalls,
    })
  }
  const last = createMeter({
    store: fileStore({ dir: join(dir, 'usage') }),
    clock,
    rollups: [{ eventName: 'dailyApiCalls', by: 'identity' }],
    delivery: async ({ body }) => {
      take(body)
      return { outcome: 'delivered' }
    },
  })
  const deadline = performance.now() + realMsPerDay * 3
  const dayAtEnd = last.stats().day
  for (;;) {
    await last.flush()
    const { pending, unconfirmed } = last.stats().lines
    if (last.stats().day > dayAtEnd && pending + unconfirmed === 0) break
    expect(performance.now()).toBeLessThan(deadline)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await new Promise((resolve) => setTimeout(resolve, realMsPerDay / 12))
  await last.flush()
  await last.close()
  for (const line of readFileSync(join(dir, 'arrived'), 'utf8').split('\n')) if (line !== '') take(line)

  const once_ = new Map(arrived.map((event) => [event.rollupId, event]))
  const totals = new Map<string, number>()
  for (const { user, day, calls } of once_.values()) {
    totals.set(`${user} ${day}`, (totals.get(`${user} ${day}`) ?? 0) + calls)
  }
  let sum = 0
  const wrong: unknown[] = []
  const expected = truth()
  for (const [key, { least, most }] of expected) {
    const has = totals.get(key) ?? 0
    sum += has
    if (has < least || has > most) wrong.push({ key, has, least, most })
  }
  console.log(
    `${workers} workers, ${days} days, ${started} started: ${kills} kills, ${stops} stops, ${reloads} reloads; ${sum} calls, ${expected.size} user days, ${once_.size} events, ${arrived.length - once_.size} sent again after a kill of the sender, ${wrong.length} wrong`,
  )
  expect(wrong).toEqual([])
  expect([...totals.keys()].filter((key) => !expected.has(key))).toEqual([])
  expect(once_.size).toBe(totals.size)
}, 600_000)
